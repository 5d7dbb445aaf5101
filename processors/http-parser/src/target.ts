import { longBytes, writeBytes } from './avro.js'
import type { Head } from './head.js'
import { utf8Of } from './text.js'

const someBranch = 2

/** Method and target of a request as an HttpMessage holds them: two unions of null and string, both strings. */
export function encodeTarget(head: Head): Buffer {
  const { bytes, methodStart, methodEnd, targetStart, targetEnd } = head
  const target = head.wide ? utf8Of(bytes, targetStart, targetEnd) : null
  const targetLength = target === null ? targetEnd - targetStart : target.length
  const encoded = Buffer.allocUnsafe(methodEnd - methodStart + targetLength + 2 + 2 * longBytes)
  encoded[0] = someBranch
  let at = writeBytes(encoded, 1, bytes, methodStart, methodEnd)
  encoded[at++] = someBranch
  at =
    target === null
      ? writeBytes(encoded, at, bytes, targetStart, targetEnd)
      : writeBytes(encoded, at, target, 0, targetLength)
  return encoded.subarray(0, at)
}

/** Whether the request's method is this one; methods are case-sensitive (RFC 9110 section 9.1). */
export function isMethod(head: Head, method: string): boolean {
  if (head.methodEnd - head.methodStart !== method.length) return false
  for (let index = 0; index < method.length; index++) {
    if (head.bytes[head.methodStart + index] !== method.charCodeAt(index)) return false
  }
  return true
}
