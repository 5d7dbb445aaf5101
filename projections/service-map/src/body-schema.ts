import type { TrafficMessageView } from '@syscribe/schemas'
import { jsonShape } from './json-shape.js'

/**
 * A body's schema as text: canonical JSON, `null` for no body. A text that begins with `?` is a guess: the body was not
 * captured whole or is too large; behind the `?` stands what is certain of it (`?{}` an object, `?[]` an array,
 * `?"non-json"` a body of unknown content, `?null` perhaps no body at all).
 */
export type SchemaText = string

export const noBody: SchemaText = 'null'
export const nonJson: SchemaText = '"non-json"'
/** The message that would have had the body was not seen. */
export const unknownBody: SchemaText = '?null'

/** A larger body is not read for its schema. */
const maxBody = 1 << 20
/** A longer schema is not kept: it is of a body whose keys are data, each one different. */
const maxSchema = 16_384

const contentType = Buffer.from('content-type')

/**
 * The schema of a message's body. It is taken for JSON when its Content-Type says so, or when it begins as an object or
 * array; what then is not valid JSON is `non-json`.
 */
export function bodySchema(view: TrafficMessageView): SchemaText {
  const { bytes, bodyStart, bodyEnd } = view
  if (bodyStart === bodyEnd) return view.complete ? noBody : unknownBody
  // Still in a coding that could not be removed: what it codes is not known.
  if (view.bodyErrorStart >= 0) return '?"non-json"'
  const first = firstByte(bytes, bodyStart, bodyEnd)
  const structured = first === 0x7b || first === 0x5b
  if (!structured && !saysJson(view)) return nonJson
  if (!view.complete || bodyEnd - bodyStart > maxBody) return outline(first)
  const shape = jsonShape(bytes, bodyStart, bodyEnd)
  if (shape === undefined) return nonJson
  return shape.length > maxSchema ? outline(first) : shape
}

function outline(first: number): SchemaText {
  return first === 0x7b ? '?{}' : first === 0x5b ? '?[]' : '?"non-json"'
}

function firstByte(bytes: Buffer, start: number, end: number): number {
  let at = start
  if (bytes[at] === 0xef && bytes[at + 1] === 0xbb && bytes[at + 2] === 0xbf) at += 3
  while (at < end && (bytes[at] as number) <= 0x20) at++
  return at < end ? (bytes[at] as number) : 0
}

/** application/json, text/json, and every type with the suffix +json (RFC 6839 section 3.1). */
function saysJson(view: TrafficMessageView): boolean {
  const { bytes, headers, headerCount } = view
  for (let index = 0; index < headerCount * 4; index += 4) {
    const start = headers[index] as number
    if ((headers[index + 1] as number) - start !== contentType.length) continue
    let same = 0
    // Names are letters and hyphens here: setting the bit of the lower case is enough.
    while (same < contentType.length && ((bytes[start + same] as number) | 0x20) === contentType[same]) same++
    if (same < contentType.length) continue
    const value = bytes.toString('latin1', headers[index + 2], headers[index + 3])
    return /^\s*[\w!#$&^.+-]+\/(?:[\w!#$&^.-]+\+)?json\s*(?:;|$)/i.test(value)
  }
  return false
}
