import type { Head } from './head.js'
import { COLON, CR, DEL, equalsIgnoringCase, HTAB, isDigit, isToken, LF, octetClass, SP } from './octets.js'

/**
 * Parses field lines up to and with the empty line (RFC 9112 section 5), into `head.fields`. Where the empty line
 * ends; 0 when it is not there yet; -1 when a line, at `head.badLine`, is malformed.
 *
 * @param spaceBeforeColon white space between name and colon is removed (a response, section 5.1), not malformed.
 */
export function parseFields(bytes: Buffer, start: number, end: number, spaceBeforeColon: boolean, head: Head): number {
  let at = start
  for (;;) {
    head.badLine = at
    if (at === end) return 0
    const first = bytes[at] as number
    if (first === LF) return at + 1
    if (first === CR) {
      if (at + 1 === end) return 0
      return bytes[at + 1] === LF ? at + 2 : -1
    }
    const nameStart = at
    while (at < end && (octetClass[bytes[at] as number]! & isToken) !== 0) at++
    const nameEnd = at
    if (spaceBeforeColon) while (at < end && (bytes[at] === SP || bytes[at] === HTAB)) at++
    if (at === end) return 0
    if (bytes[at] !== COLON || nameEnd === nameStart) return -1
    at++

    while (at < end && (bytes[at] === SP || bytes[at] === HTAB)) at++
    let valueStart = at
    let valueEnd = at
    let wide = 0
    for (;;) {
      const content = at
      while (at < end) {
        const octet = bytes[at] as number
        // Field content: all but the controls, of which HTAB is (RFC 9110 section 5.5).
        if ((octet < SP && octet !== HTAB) || octet === DEL) break
        wide |= octet
        at++
      }
      if (at === end) return 0
      const lineEnd = at
      if (bytes[at] === CR) at++
      if (at === end) return 0
      if (bytes[at] !== LF) return -1
      at++
      // Whether the value goes on is known only from the next line's first octet.
      if (at === end) return 0
      let last = lineEnd
      while (last > content && (bytes[last - 1] === SP || bytes[last - 1] === HTAB)) last--
      if (last > content) {
        if (valueEnd === valueStart) valueStart = content
        else head.folded = true
        valueEnd = last
      }
      if (bytes[at] !== SP && bytes[at] !== HTAB) break
      while (at < end && (bytes[at] === SP || bytes[at] === HTAB)) at++
    }
    if (wide > 127) head.wide = true

    let fields = head.fields
    const slot = head.fieldCount * 4
    if (slot === fields.length) {
      fields = new Int32Array(slot * 2)
      fields.set(head.fields)
      head.fields = fields
    }
    fields[slot] = nameStart
    fields[slot + 1] = nameEnd
    fields[slot + 2] = valueStart
    fields[slot + 3] = valueEnd
    head.fieldCount++
    const nameLength = nameEnd - nameStart
    if (nameLength >= 14 && nameLength <= 17) framingField(bytes, nameStart, nameLength, valueStart, valueEnd, head)
  }
}

/** Takes down the fields that say where the body ends and how it is coded. */
function framingField(bytes: Buffer, name: number, length: number, start: number, end: number, head: Head): void {
  if (length === 14 && equalsIgnoringCase(bytes, name, 'content-length')) {
    head.contentLength = contentLength(bytes, start, end, head.contentLength)
  } else if (length === 17 && equalsIgnoringCase(bytes, name, 'transfer-encoding')) {
    head.transferCodings = appendCodings(head.transferCodings, bytes, start, end)
  } else if (length === 16 && equalsIgnoringCase(bytes, name, 'content-encoding')) {
    head.contentCodings = appendCodings(head.contentCodings, bytes, start, end)
  }
}

/** Content-Length: digits; a list, or a repeated field, only of the same number (RFC 9110 section 8.6). -2 when invalid. */
function contentLength(bytes: Buffer, start: number, end: number, before: number): number {
  let known = before
  let at = start
  for (;;) {
    while (at < end && isBlank(bytes[at] as number)) at++
    const digits = at
    let value = 0
    while (at < end && (octetClass[bytes[at] as number]! & isDigit) !== 0) {
      value = value * 10 + (bytes[at] as number) - 48
      at++
    }
    if (at === digits || value > 2 ** 50 || known === -2 || (known >= 0 && known !== value)) return -2
    known = value
    while (at < end && isBlank(bytes[at] as number)) at++
    if (at === end) return known
    if (bytes[at] !== 44) return -2
    at++
  }
}

function isBlank(octet: number): boolean {
  return octet === SP || octet === HTAB || octet === CR || octet === LF
}

function appendCodings(before: string, bytes: Buffer, start: number, end: number): string {
  if (before === '' && end - start === 7 && equalsIgnoringCase(bytes, start, 'chunked')) return 'chunked'
  const codings = before === '' ? [] : before.split(',')
  for (const element of bytes.toString('latin1', start, end).split(',')) {
    const coding = element
      .replaceAll(/[\r\n\t ]+/g, ' ')
      .trim()
      .toLowerCase()
    if (coding !== '') codings.push(coding)
  }
  return codings.join(',')
}
