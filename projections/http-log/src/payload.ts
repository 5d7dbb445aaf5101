import { isUtf8 } from 'node:buffer'
import type { TrafficMessageView } from '@syscribe/schemas'
import { type Charset, charsetOf } from './charset.js'
import { fieldValue } from './fields-object.js'
import type { LineBuffer } from './line-buffer.js'

const contentType = Buffer.from('content-type')
const bodyKey = Buffer.from(',"body":"')
const bodyBase64Key = Buffer.from(',"body_base64":"')
const rawKey = Buffer.from(',"raw_payload":"')
const rawBase64Key = Buffer.from(',"raw_payload_base64":"')

/** Where the body's text stands in the line when it is the body's own bytes, escaped; -1 when it is not. */
let bodyTextStart = -1
let bodyTextEnd = -1

/**
 * Writes `body`, or `body_base64` when the bytes are no text in their charset, then what `between` writes, then
 * `raw_payload` (or `raw_payload_base64`) when asked for. A body that is the end of the captured bytes is escaped once.
 */
export function writePayload(
  line: LineBuffer,
  view: TrafficMessageView,
  withRaw: boolean,
  between: (line: LineBuffer, view: TrafficMessageView) => void,
): void {
  writeBody(line, view)
  // The text is found again by its place: `between` only appends.
  const start = bodyTextStart
  const end = bodyTextEnd
  between(line, view)
  if (withRaw) writeRaw(line, view, start, end)
}

function writeBody(line: LineBuffer, view: TrafficMessageView): void {
  const { bytes, bodyStart, bodyEnd } = view
  const before = line.length
  line.raw(bodyKey)
  bodyTextStart = line.length
  bodyTextEnd = bodyTextStart
  if (bodyStart < bodyEnd) {
    const charset = charsetOfBody(view)
    if (typeof charset === 'function' || charset === 'unknown') {
      bodyTextStart = -1
      const text = charset === 'unknown' ? undefined : charset(bytes.subarray(bodyStart, bodyEnd))
      line.length = before
      if (text === undefined) writeBase64(line, bodyBase64Key, bytes, bodyStart, bodyEnd)
      else writeText(line, text)
      return
    }
    if (!line.escaped(bytes, bodyStart, bodyEnd)) {
      if (charset === 'utf-8' && isUtf8(bytes.subarray(bodyStart, bodyEnd))) {
        // Written as it is.
      } else {
        bodyTextStart = -1
        line.length = before
        if (charset === 'iso-8859-1') writeText(line, bytes.toString('latin1', bodyStart, bodyEnd))
        else writeBase64(line, bodyBase64Key, bytes, bodyStart, bodyEnd)
        return
      }
    }
    bodyTextEnd = line.length
  }
  line.quote()
}

/** A body still in its content coding is not in the charset of the text it codes. */
function charsetOfBody(view: TrafficMessageView): Charset {
  if (view.bodyErrorStart >= 0) return 'utf-8'
  const value = fieldValue(view.bytes, view.headers, view.headerCount, contentType)
  return value === undefined ? 'utf-8' : charsetOf(value)
}

function writeRaw(line: LineBuffer, view: TrafficMessageView, textStart: number, textEnd: number): void {
  const { bytes, rawStart, rawEnd } = view
  const before = line.length
  line.raw(rawKey)
  // With a valid body behind it, the whole is valid when the head is.
  const bodyAgain = view.bodyInRaw && textStart >= 0
  const end = bodyAgain ? view.bodyStart : rawEnd
  if (line.escaped(bytes, rawStart, end) || isUtf8(bytes.subarray(rawStart, end))) {
    if (bodyAgain) line.again(textStart, textEnd)
    line.quote()
    return
  }
  line.length = before
  writeBase64(line, rawBase64Key, bytes, rawStart, rawEnd)
}

function writeBase64(line: LineBuffer, key: Uint8Array, bytes: Buffer, start: number, end: number): void {
  line.raw(key)
  line.base64(bytes, start, end)
  line.quote()
}

const bodyTextKey = bodyKey.subarray(0, -1)

function writeText(line: LineBuffer, text: string): void {
  line.raw(bodyTextKey)
  line.json(text)
}
