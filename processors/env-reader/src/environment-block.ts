import { isUtf8 } from 'node:buffer'
import type { Environment } from '@syscribe/schemas'

export type Variables = Pick<Environment, 'variables' | 'invalidUtf8'>

const equals = 0x3d

/**
 * The variables of an environment block (`NAME=value` strings, each ended by a NUL byte), in their order.
 *
 * - Of a repeated name the first counts, as for getenv.
 * - The name ends at the first `=`. A string without one is no variable to getenv, but it is there: its name with an
 *   empty value; not so the last string of a block that was cut (`cut`) in the middle of a name.
 * - Invalid UTF-8 becomes U+FFFD, and the name is listed in `invalidUtf8`. Names that are the same thereafter count as
 *   repeated.
 */
export function readEnvironmentBlock(block: Buffer, cut: boolean): Variables {
  const variables: Variables['variables'] = []
  const invalidUtf8: string[] = []
  const seen = new Set<string>()
  let start = 0
  while (start < block.length) {
    const nul = block.indexOf(0, start)
    const end = nul < 0 ? block.length : nul
    const entry = block.subarray(start, end)
    start = end + 1
    if (entry.length === 0) continue
    const split = entry.indexOf(equals)
    if (split < 0 && cut && nul < 0) continue
    const name = entry.toString('utf8', 0, split < 0 ? entry.length : split)
    if (seen.has(name)) continue
    seen.add(name)
    variables.push({ name, value: split < 0 ? '' : entry.toString('utf8', split + 1) })
    if (!isUtf8(entry)) invalidUtf8.push(name)
  }
  return { variables, invalidUtf8 }
}
