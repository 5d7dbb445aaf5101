import { either, matched, matchedSoFar, openingLimit, type Protocol, type Verdict } from './protocol.js'
import { type ClientHello, clientHello, looksLikeServerHello } from './tls-hello.js'

/** TLS (RFC 8446, RFC 5246). What is inside is not seen. */
export const tls: Protocol = {
  name: 'tls',
  category: 'other',
  ports: [],
  match(opening) {
    const client = opening.clientFromStart ? hello(opening.client) : records(opening.client)
    const server = opening.serverFromStart ? answer(opening.server) : records(opening.server)
    return either(client, server)
  },
}

function hello(bytes: Buffer): Verdict {
  const read = clientHello(bytes)
  if (typeof read === 'string') return read
  // The hello is read to its end: what it is for (ALPN) may stand behind the server name.
  const open = read.open && bytes.length < openingLimit
  return open ? matchedSoFar('TLS ClientHello', read.serverName) : matched('TLS ClientHello', read.serverName)
}

/** A ServerHello, or an alert (RFC 8446 section 6): level 1 or 2 and a description. */
function answer(bytes: Buffer): Verdict {
  if (bytes[0] !== 21) {
    const server = looksLikeServerHello(bytes)
    return server === 'yes' ? matched('TLS ServerHello') : server
  }
  if (bytes.length < 7) return 'more'
  const alert = bytes[1] === 3 && (bytes[2] as number) <= 3 && bytes.readUInt16BE(3) === 2
  return alert && (bytes[5] === 1 || bytes[5] === 2) ? matched('TLS alert') : 'no'
}

/** Mid-stream: a record header (RFC 8446 section 5.1) of application data, and another where it ends when that was seen. */
function records(bytes: Buffer): Verdict {
  let at = 0
  for (let seen = 0; seen < 2; seen++) {
    if (bytes.length < at + 5) return seen > 0 ? matched('TLS application data') : shortRecord(bytes.subarray(at))
    const length = bytes.readUInt16BE(at + 3)
    const type = bytes[at] as number
    const header = bytes[at + 1] === 3 && (bytes[at + 2] as number) >= 1 && (bytes[at + 2] as number) <= 3
    // At least a tag of 16 bytes, at most 2^14 + 256 (TLS 1.3), + 2048 (TLS 1.2).
    if (!header || (seen === 0 ? type !== 23 : type < 20 || type > 23) || length < 16 || length > 18_432) return 'no'
    at += 5 + length
  }
  return matched('TLS application data')
}

function shortRecord(bytes: Buffer): Verdict {
  return (bytes[0] ?? 23) === 23 && (bytes[1] ?? 3) === 3 ? 'more' : 'no'
}

/** Protocols that begin with TLS at once and name themselves by ALPN (IANA registry of ALPN protocol ids; [MS-TDS] 2.2.6.5). */
export const alpnProtocols: Readonly<Record<string, string>> = { postgresql: 'postgres', 'tds/8.0': 'mssql' }

/** The ClientHello of a client's side, when it begins with one. */
export function readHello(client: Buffer): ClientHello | null {
  const read = clientHello(client)
  return typeof read === 'object' ? read : null
}
