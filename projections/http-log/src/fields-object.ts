import { fragment, type LineBuffer } from './line-buffer.js'

const noFields = fragment('{}')
const first = fragment('{"')
const next = fragment('","')
const afterName = fragment('":"')
const end = fragment('"}')

/** More fields than this are joined by a map: comparing each with each would take its square. */
const comparedMost = 48

/**
 * Writes header or trailer fields as an object. Names keep the spelling of their first appearance and its place; names
 * that differ only in case are the same field (RFC 9110 section 5.1). A repeated field's values are joined by ", "
 * (section 5.3), those of Set-Cookie by a newline, for they may hold commas.
 *
 * @param source the record that `line` writes from.
 * @param at four numbers a field: where its name begins and ends in `source`, where its value begins and ends.
 */
export function writeFields(line: LineBuffer, source: Buffer, at: Int32Array, count: number): void {
  const before = line.length
  if (count <= comparedMost && !hasRepeated(source, at, count) && writeEach(line, at, count)) return
  line.length = before
  line.json(Object.fromEntries(joined(source, at, count)))
}

/** @returns false when a name is not ASCII: two such names could be written alike. */
function writeEach(line: LineBuffer, at: Int32Array, count: number): boolean {
  if (count === 0) {
    line.fixed(noFields)
    return true
  }
  for (let index = 0; index < count * 4; index += 4) {
    line.fixed(index === 0 ? first : next)
    if (!line.escaped(at[index] as number, at[index + 1] as number)) return false
    line.fixed(afterName)
    line.text(at[index + 2] as number, at[index + 3] as number)
  }
  line.fixed(end)
  return true
}

function hasRepeated(source: Buffer, at: Int32Array, count: number): boolean {
  for (let index = 4; index < count * 4; index += 4) {
    const start = at[index] as number
    const length = (at[index + 1] as number) - start
    for (let earlier = 0; earlier < index; earlier += 4) {
      if ((at[earlier + 1] as number) - (at[earlier] as number) !== length) continue
      if (equalFold(source, start, at[earlier] as number, length)) return true
    }
  }
  return false
}

function equalFold(source: Buffer, one: number, other: number, length: number): boolean {
  for (let index = 0; index < length; index++) {
    if (fold(source[one + index] as number) !== fold(source[other + index] as number)) return false
  }
  return true
}

/** ASCII letters to lower case. */
function fold(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte
}

function joined(source: Buffer, at: Int32Array, count: number): Iterable<[string, string]> {
  const fields = new Map<string, { name: string; values: string[] }>()
  for (let index = 0; index < count * 4; index += 4) {
    const name = source.toString('utf8', at[index], at[index + 1])
    const value = source.toString('utf8', at[index + 2], at[index + 3])
    const key = name.replace(/[A-Z]+/g, (letters) => letters.toLowerCase())
    const field = fields.get(key)
    if (field === undefined) fields.set(key, { name, values: [value] })
    else field.values.push(value)
  }
  return Array.from(fields, ([key, { name, values }]) => [name, values.join(key === 'set-cookie' ? '\n' : ', ')])
}

/** The first value of a field as latin1 text, undefined when it is not there. `name` in lower case. */
export function fieldValue(source: Buffer, at: Int32Array, count: number, name: Uint8Array): string | undefined {
  for (let index = 0; index < count * 4; index += 4) {
    const start = at[index] as number
    if ((at[index + 1] as number) - start !== name.length) continue
    let same = 0
    while (same < name.length && fold(source[start + same] as number) === name[same]) same++
    if (same === name.length) return source.toString('latin1', at[index + 2], at[index + 3])
  }
  return undefined
}
