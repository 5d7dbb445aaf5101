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

/** Mid-stream: a whole record (RFC 8446 section 5.1) of application data, and the header of another when more was seen. */
function records(bytes: Buffer): Verdict {
  if (bytes.length < 5) return shortRecord(bytes)
  if (!isHeader(bytes, 0, 23)) return 'no'
  const end = 5 + bytes.readUInt16BE(3)
  if (bytes.length < end) return bytes.length < openingLimit ? 'more' : matched('TLS application data')
  if (bytes.length >= end + 5 && !isHeader(bytes, end, 20)) return 'no'
  return matched('TLS application data')
}

/** A record header of a type from `least` to 23, of TLS 1.0 to 1.3; its length at least a tag's, at most 2^14 + 2048 (TLS 1.2). */
function isHeader(bytes: Buffer, at: number, least: number): boolean {
  const type = bytes[at] as number
  const minor = bytes[at + 2] as number
  const length = bytes.readUInt16BE(at + 3)
  const known = type >= least && type <= 23 && bytes[at + 1] === 3 && minor >= 1 && minor <= 3
  return known && length >= (type === 23 ? 16 : 1) && length <= 18_432
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
