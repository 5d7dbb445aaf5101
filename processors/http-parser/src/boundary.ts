import { type Kind, request, response } from './head.js'
import { limits } from './limits.js'
import { CR, isDigit, isTarget, isToken, LF, octetClass, SP } from './octets.js'

/** Where a message begins, and of which kind; `at` -1 when none was found, and where the search has to go on. */
export interface Boundary {
  at: number
  kind: Kind
  resume: number
}

const responsePrefix = Buffer.from('HTTP/1.', 'latin1')
const requestSuffix = Buffer.from(' HTTP/1.', 'latin1')

/**
 * Methods (IANA HTTP Method Registry, the usual ones) that are recognised wherever they stand, also right behind a
 * body. At the begin of a line any token will do.
 */
const methods = [
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'DELETE',
  'PATCH',
  'OPTIONS',
  'CONNECT',
  'TRACE',
  'PROPFIND',
  'PROPPATCH',
  'MKCOL',
  'COPY',
  'MOVE',
  'LOCK',
  'UNLOCK',
  'REPORT',
  'SEARCH',
].map((method) => Buffer.from(method, 'latin1'))

/**
 * Searches the first start line in `window[from..]`: a status line, or a request line known by its end ` HTTP/1.x`.
 * The answer depends on the bytes only, not on how they were cut into pieces.
 *
 * @param atLine the window begins behind a line's end.
 */
export function findBoundary(window: Buffer, from: number, atLine: boolean, kind: Kind): Boundary {
  if (kind === response) return findStatusLine(window, from)
  if (kind === request) return findRequestLine(window, from, atLine)
  const status = findStatusLine(window, from)
  const line = findRequestLine(window, from, atLine)
  if (status.at >= 0 && (line.at < 0 || status.at < line.at)) return status
  if (line.at >= 0) return line
  return { at: -1, kind: 0, resume: Math.min(status.resume, line.resume) }
}

function findStatusLine(window: Buffer, from: number): Boundary {
  const size = window.length
  let at = from
  for (;;) {
    at = window.indexOf(responsePrefix, at)
    if (at < 0) return { at, kind: response, resume: Math.max(from, size - 6) }
    const verdict = isStatusLine(window, at + 7, size)
    if (verdict === undefined) return { at: -1, kind: response, resume: at }
    if (verdict) return { at, kind: response, resume: at }
    at++
  }
}

/** Whether a digit, a space, three digits and the end of a word stand at `at`; undefined when the window ends before. */
function isStatusLine(window: Buffer, at: number, size: number): boolean | undefined {
  for (let index = 0; index < 6; index++) {
    if (at + index >= size) return undefined
    const octet = window[at + index] as number
    const digit = (octetClass[octet]! & isDigit) !== 0
    const fits = index === 1 ? octet === SP : index === 5 ? octet === SP || octet === CR || octet === LF : digit
    if (!fits) return false
  }
  return true
}

function findRequestLine(window: Buffer, from: number, atLine: boolean): Boundary {
  const size = window.length
  let at = from
  for (;;) {
    at = window.indexOf(requestSuffix, at)
    if (at < 0) return { at, kind: request, resume: Math.max(from, size - 7) }
    const verdict = isVersionEnd(window, at + 8, size)
    if (verdict === undefined) return { at: -1, kind: request, resume: at }
    const start = verdict ? methodBefore(window, at, atLine) : -1
    if (start >= 0) return { at: start, kind: request, resume: at }
    at++
  }
}

/** Whether a digit and a line's end stand at `at`. */
function isVersionEnd(window: Buffer, at: number, size: number): boolean | undefined {
  if (at >= size) return undefined
  if ((octetClass[window[at] as number]! & isDigit) === 0) return false
  if (at + 1 >= size) return undefined
  if (window[at + 1] === LF) return true
  if (window[at + 1] !== CR) return false
  return at + 2 >= size ? undefined : window[at + 2] === LF
}

/** Where the method begins of the request line that goes on with ` HTTP/1.x` at `suffix`; -1 when it is none. */
function methodBefore(window: Buffer, suffix: number, atLine: boolean): number {
  const lowest = Math.max(0, suffix - limits.lookBackBytes)
  let at = suffix
  while (at > lowest && window[at - 1] === SP) at--
  const targetEnd = at
  while (at > lowest && (octetClass[window[at - 1] as number]! & isTarget) !== 0) at--
  if (at === targetEnd || at === lowest || window[at - 1] !== SP) return -1
  while (at > lowest && window[at - 1] === SP) at--
  const methodEnd = at
  while (at > lowest && (octetClass[window[at - 1] as number]! & isToken) !== 0) at--
  if (at === methodEnd) return -1
  // A body ends without a line's end, so its last word and the method can be one token.
  let longest = 0
  for (const method of methods) {
    if (method.length <= longest || methodEnd - method.length < at) continue
    if (window.compare(method, 0, method.length, methodEnd - method.length, methodEnd) === 0) longest = method.length
  }
  if (longest > 0) return methodEnd - longest
  const lineBegin = at > lowest ? window[at - 1] === LF : at === 0 && atLine
  return lineBegin ? at : -1
}
