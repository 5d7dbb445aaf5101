import { parseFields } from './fields.js'
import { CR, isDigit, isTarget, isToken, LF, octetClass, SP } from './octets.js'

export const request = 1
export const response = 2
/** `request` or `response`; 0 while not known. */
export type Kind = 0 | typeof request | typeof response

export const whole = 1
export const cutShort = 0
export const malformed = -1
/** How a parse ended. `cutShort`: what is there is well formed so far. */
export type Outcome = typeof whole | typeof cutShort | typeof malformed

/**
 * The head of a message, parsed in place: where everything lies in `bytes`. One instance is re-used for message after
 * message, so what is needed later is taken out at once. After `malformed` or `cutShort` the fields before that
 * place are valid.
 */
export class Head {
  bytes: Buffer = Buffer.alloc(0)
  /** Where the message begins in `bytes`. */
  start = 0
  /** Behind the empty line that ends the head. */
  end = 0
  /** The start line is whole and well formed. */
  hasLine = false
  /** Where the line that could not be parsed begins. */
  badLine = 0
  methodStart = 0
  methodEnd = 0
  targetStart = 0
  targetEnd = 0
  /** The x of HTTP/1.x. */
  minor = 0
  status = 0
  fieldCount = 0
  /** Four numbers a field: where its name begins and ends, where its value begins and ends. */
  fields: Int32Array = new Int32Array(4 * 64)
  /** Some value holds an obs-fold (RFC 9112 section 5.2): its CR and LF stand for spaces. */
  folded = false
  /** Some value or the target holds octets outside ASCII. */
  wide = false
  /** Content-Length; -1 none, -2 invalid. */
  contentLength = -1
  /** Transfer codings in order, lower case and comma separated; '' none. */
  transferCodings = ''
  /** Content codings, likewise. */
  contentCodings = ''

  reset(bytes: Buffer, start: number): void {
    this.bytes = bytes
    this.start = start
    this.end = start
    this.hasLine = false
    this.badLine = start
    this.fieldCount = 0
    this.folded = false
    this.wide = false
    this.contentLength = -1
    this.transferCodings = ''
    this.contentCodings = ''
  }
}

/** Parses the head of a message at `start`; nothing at or behind `end` is looked at. */
export function parseHead(bytes: Buffer, start: number, end: number, kind: Kind, head: Head): Outcome {
  head.reset(bytes, start)
  const line = kind === request ? requestLine(bytes, start, end, head) : statusLine(bytes, start, end, head)
  if (line <= 0) return line as Outcome
  head.hasLine = true
  head.badLine = line
  const fieldsEnd = parseFields(bytes, line, end, kind === response, head)
  if (fieldsEnd <= 0) return fieldsEnd as Outcome
  head.end = fieldsEnd
  return whole
}

/** request-line = method SP request-target SP HTTP-version (RFC 9112 section 3). Where the next line begins, or an Outcome. */
function requestLine(bytes: Buffer, start: number, end: number, head: Head): number {
  let at = start
  while (at < end && (octetClass[bytes[at] as number]! & isToken) !== 0) at++
  if (at === end) return cutShort
  if (at === start || bytes[at] !== SP) return malformed
  head.methodStart = start
  head.methodEnd = at
  while (at < end && bytes[at] === SP) at++
  head.targetStart = at
  let wide = 0
  while (at < end) {
    const octet = bytes[at] as number
    if ((octetClass[octet]! & isTarget) === 0) break
    wide |= octet
    at++
  }
  if (at === end) return cutShort
  if (at === head.targetStart || bytes[at] !== SP) return malformed
  head.targetEnd = at
  if (wide > 127) head.wide = true
  while (at < end && bytes[at] === SP) at++
  at = version(bytes, at, end, head)
  return at <= 0 ? at : lineEnd(bytes, at, end)
}

/** status-line = HTTP-version SP status-code SP [ reason-phrase ] (RFC 9112 section 4); the second SP may be lacking. */
function statusLine(bytes: Buffer, start: number, end: number, head: Head): number {
  let at = version(bytes, start, end, head)
  if (at <= 0) return at
  if (at === end) return cutShort
  if (bytes[at] !== SP) return malformed
  at++
  let status = 0
  for (let digit = 0; digit < 3; digit++, at++) {
    if (at === end) return cutShort
    const octet = bytes[at] as number
    if ((octetClass[octet]! & isDigit) === 0) return malformed
    status = status * 10 + octet - 48
  }
  if (status < 100) return malformed
  head.status = status
  if (at === end) return cutShort
  if (bytes[at] === SP) {
    while (at < end && bytes[at] !== CR && bytes[at] !== LF) at++
  }
  return lineEnd(bytes, at, end)
}

/** `HTTP/1.` and a digit: where it ends, or an Outcome. */
function version(bytes: Buffer, start: number, end: number, head: Head): number {
  const prefix = versionPrefixLength(bytes, start, end)
  if (prefix < 0) return malformed
  if (start + 7 >= end) return cutShort
  const digit = bytes[start + 7] as number
  if ((octetClass[digit]! & isDigit) === 0) return malformed
  head.minor = digit - 48
  return start + 8
}

const prefix = Buffer.from('HTTP/1.', 'latin1')

/** How many octets of `HTTP/1.` are there, all that could be; -1 when something else is. */
export function versionPrefixLength(bytes: Buffer, start: number, end: number): number {
  const length = Math.min(7, end - start)
  for (let index = 0; index < length; index++) if (bytes[start + index] !== prefix[index]) return -1
  return length
}

/** CRLF, or LF alone as RFC 9112 section 2.2 allows. */
function lineEnd(bytes: Buffer, at: number, end: number): number {
  if (at === end) return cutShort
  if (bytes[at] === LF) return at + 1
  if (bytes[at] !== CR) return malformed
  if (at + 1 === end) return cutShort
  return bytes[at + 1] === LF ? at + 2 : malformed
}
