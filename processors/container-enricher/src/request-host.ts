import type { HttpMessage } from '@syscribe/schemas'
import { type HostText, readHost, splitHostPort } from './host-name.js'

/**
 * What a request's Host header says of the server it was sent to (RFC 9112 section 3.2), without the port. Null when
 * there is none that can be read; and for a request to a proxy (absolute-form, CONNECT), whose Host names the origin and
 * not the proxy.
 */
export function requestHost(request: Pick<HttpMessage, 'method' | 'url' | 'headers'>): HostText | null {
  if (request.method === 'CONNECT' || /^[a-z][a-z0-9+.-]*:\/\//i.test(request.url ?? '')) return null
  const header = request.headers.find(({ name }) => name.length === 4 && name.toLowerCase() === 'host')
  const split = header === undefined ? null : splitHostPort(header.value)
  return split === null ? null : readHost(split.host)
}
