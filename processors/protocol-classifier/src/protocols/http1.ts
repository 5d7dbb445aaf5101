import { either, matched, openingLimit, type Protocol, type Verdict } from './protocol.js'

/** HTTP/1.x (RFC 9112 section 2.1). Recognised to be left to the http-parser. */
export const http1: Protocol = {
  name: 'http1',
  category: 'other',
  ports: [],
  match({ client, server }) {
    return either(requestLine(client), statusLine(server))
  },
}

const methods = 'GET POST PUT DELETE HEAD OPTIONS PATCH TRACE CONNECT'.split(' ')

/** method SP request-target SP HTTP-version CRLF; empty lines before it are to be ignored (section 2.2). */
function requestLine(bytes: Buffer): Verdict {
  const text = bytes.toString('latin1').replace(/^(?:\r?\n)+/, '')
  if (/^[A-Z][A-Z0-9_-]{0,31} [!-~\x80-\xff]+ HTTP\/1\.\d\r?\n/.test(text)) return matched('HTTP/1 request line')
  if (!/^(?:\r?|[A-Z][A-Z0-9_-]{0,31}(?: (?:[!-~\x80-\xff]+(?: [HTP/1.0-9]{0,8}\r?)?)?)?)$/.test(text)) return 'no'
  // A target longer than what is kept.
  const long = text.length >= openingLimit - 2 && methods.includes(text.slice(0, text.indexOf(' ')))
  return long ? matched('HTTP/1 request line') : text.length < openingLimit - 2 ? 'more' : 'no'
}

/** HTTP-version SP status-code SP. */
function statusLine(bytes: Buffer): Verdict {
  const text = bytes.toString('latin1', 0, 13)
  if (/^HTTP\/1\.\d [1-5]\d\d[ \r]/.test(text)) return matched('HTTP/1 status line')
  const pattern = 'HTTP/1.x nnn '
  for (let i = 0; i < text.length; i++) {
    const want = pattern[i] as string
    const fits = want === 'x' || want === 'n' ? /\d/.test(text[i] as string) : text[i] === want
    if (!fits) return 'no'
  }
  return text.length < pattern.length ? 'more' : 'no'
}
