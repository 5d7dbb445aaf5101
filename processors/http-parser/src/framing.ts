import type { Head } from './head.js'
import { isMethod } from './target.js'

export const bodyChunked = -1
/** The body ends when the connection does. */
export const bodyToClose = -2
/** Its length cannot be known. */
export const bodyInvalid = -3

/** Length of the body of a request, or one of the above (RFC 9112 section 6.3). */
export function bodyOfRequest(head: Head): number {
  // A CONNECT request has no content, whatever its fields say (RFC 9110 section 9.3.6).
  if (isMethod(head, 'CONNECT')) return 0
  if (head.transferCodings !== '') return isChunked(head) ? bodyChunked : bodyInvalid
  if (head.contentLength === -2) return bodyInvalid
  return head.contentLength < 0 ? 0 : head.contentLength
}

/** Likewise of a response. `toHead`: it answers a HEAD request. */
export function bodyOfResponse(head: Head, toHead: boolean): number {
  const { status } = head
  if (toHead || status < 200 || status === 204 || status === 304) return 0
  if (head.transferCodings !== '') return isChunked(head) ? bodyChunked : bodyToClose
  if (head.contentLength === -2) return bodyInvalid
  return head.contentLength < 0 ? bodyToClose : head.contentLength
}

function isChunked(head: Head): boolean {
  return head.transferCodings === 'chunked' || head.transferCodings.endsWith(',chunked')
}
