import type { TrafficMessageView } from '@syscribe/schemas'
import { type Charset, charsetOf } from './charset.js'
import { fieldValue } from './fields-object.js'
import { type Fragment, fragment, type LineBuffer } from './line-buffer.js'

const contentType = Buffer.from('content-type')
const bodyKey = fragment(',"body":"')
const bodyBase64Key = fragment(',"body_base64":"')
const rawKey = fragment(',"raw_payload":"')
const rawBase64Key = fragment(',"raw_payload_base64":"')

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
  line.fixed(bodyKey)
  bodyTextStart = line.length
  bodyTextEnd = bodyTextStart
  if (bodyStart < bodyEnd) {
    const charset = charsetOfBody(view)
    if (typeof charset === 'function' || charset === 'unknown') {
      bodyTextStart = -1
      const text = charset === 'unknown' ? undefined : charset(bytes.subarray(bodyStart, bodyEnd))
      line.length = before
      if (text === undefined) writeBase64(line, bodyBase64Key, bodyStart, bodyEnd)
      else writeText(line, text)
      return
    }
    if (!line.escaped(bodyStart, bodyEnd)) {
      if (charset === 'utf-8' && line.isUtf8(bodyStart, bodyEnd)) {
        // Written as it is.
      } else {
        bodyTextStart = -1
        line.length = before
        if (charset === 'iso-8859-1') writeText(line, bytes.toString('latin1', bodyStart, bodyEnd))
        else writeBase64(line, bodyBase64Key, bodyStart, bodyEnd)
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
  const { rawStart, rawEnd } = view
  const before = line.length
  line.fixed(rawKey)
  // With a valid body behind it, the whole is valid when the head is.
  const bodyAgain = view.bodyInRaw && textStart >= 0
  const end = bodyAgain ? view.bodyStart : rawEnd
  if (line.escaped(rawStart, end) || line.isUtf8(rawStart, end)) {
    if (bodyAgain) line.again(textStart, textEnd)
    line.quote()
    return
  }
  line.length = before
  writeBase64(line, rawBase64Key, rawStart, rawEnd)
}

function writeBase64(line: LineBuffer, key: Fragment, start: number, end: number): void {
  line.fixed(key)
  line.base64(start, end)
  line.quote()
}

const bodyTextKey = fragment(',"body":')

function writeText(line: LineBuffer, text: string): void {
  line.fixed(bodyTextKey)
  line.json(text)
}
