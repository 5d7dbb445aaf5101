import type { TextCache } from './text-cache.js'

/**
 * The path of a request target (RFC 9112 section 3.2) without its query: of the absolute form without scheme and
 * authority; the authority form of CONNECT and the `*` of OPTIONS stay as they are.
 */
export function requestPath(target: string): string {
  let start = 0
  if (target.charCodeAt(0) !== 0x2f) {
    const scheme = /^[a-z][a-z0-9+.-]*:\/\//i.exec(target)
    if (scheme !== null) {
      start = scheme[0].length
      while (start < target.length && !'/?#'.includes(target.charAt(start))) start++
    }
  }
  let end = start
  while (end < target.length) {
    const code = target.charCodeAt(end)
    if (code === 0x3f || code === 0x23) break
    end++
  }
  return end === start && start > 0 ? '/' : target.slice(start, end)
}

/** The path of a target that lies in a record. */
export function pathOf(texts: TextCache, source: Buffer, start: number, end: number): string {
  if (source[start] !== 0x2f) return requestPath(source.toString('utf8', start, end))
  let stop = start
  while (stop < end && source[stop] !== 0x3f && source[stop] !== 0x23) stop++
  return texts.text(source, start, stop)
}
