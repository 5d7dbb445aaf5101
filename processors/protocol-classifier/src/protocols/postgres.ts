import { lateClient, lateServer } from './postgres-late.js'
import { either, matched, matchedSoFar, type Opening, onPort, type Protocol, type Verdict } from './protocol.js'
import { clientHello, looksLikeServerHello } from './tls-hello.js'

const ports = [5432]
const header = 'valid Postgres startup/SSLRequest header'

// PostgreSQL documentation, "Message Formats": the request codes that stand where the version does.
const cancelRequest = 80877102
const sslRequest = 80877103
const gssEncRequest = 80877104

/** PostgreSQL frontend/backend protocol 3 (PostgreSQL documentation, chapter "Frontend/Backend Protocol"). */
export const postgres: Protocol = {
  name: 'postgres',
  category: 'database',
  ports,
  match(opening) {
    const client = opening.clientFromStart ? startup(opening) : lateClient(opening.client)
    const server = opening.serverFromStart ? greeting(opening.server) : lateServer(opening.server)
    const verdict = either(client, server)
    return typeof verdict === 'object' ? { ...verdict, reason: onPort(opening, ports, verdict.reason) } : verdict
  },
}

/** The client speaks first: Int32 length, Int32 version or request code ("StartupMessage", "SSLRequest", ...). */
function startup(opening: Opening): Verdict {
  const { client: bytes } = opening
  const length = prefixInt32(bytes, 0)
  if (length === 'more') return 'more'
  if (length < 8 || length > 10_000) return 'no'
  if (bytes.length < 8) return 'more'
  const code = bytes.readInt32BE(4)
  if (code === sslRequest || code === gssEncRequest) return length === 8 ? encrypted(opening) : 'no'
  // Protocol 3.2 lets the cancel key be up to 256 bytes long.
  if (code === cancelRequest) return length >= 16 && length <= 268 ? matched('valid Postgres CancelRequest') : 'no'
  // Version 3.0, 3.2 (PostgreSQL 18) and what may follow.
  if (code >> 16 !== 3 || (code & 0xffff) > 99) return 'no'
  const end = bytes.indexOf(0, 8)
  const name = end < 0 ? bytes.length : end
  for (let i = 8; i < name; i++) if (!isParameterNameByte(bytes[i] as number)) return 'no'
  if (name - 8 > 63) return 'no'
  if (end < 0) return 'more'
  return end > 8 ? matched(header) : 'no'
}

/** After an SSLRequest or GSSENCRequest the server answers one byte: S or G to go on encrypted, N not to. */
function encrypted({ client, server, serverFromStart }: Opening): Verdict {
  if (!serverFromStart || server.length === 0) return matchedSoFar(header)
  if (server[0] === 0x47) return matched(`${header}, then GSSAPI encryption`)
  if (server[0] !== 0x53) return matched(`${header}, encryption refused`)
  const hello = clientHello(client.subarray(8))
  if (typeof hello === 'object') return { ...matched(`${header}, then TLS`, hello.serverName), open: hello.open }
  return hello === 'more' ? matchedSoFar(`${header}, then TLS`) : matched(header)
}

/** The first answer: an Authentication message, an ErrorResponse, or the one byte to an SSLRequest and what follows it. */
function greeting(bytes: Buffer): Verdict {
  if (bytes.length === 0) return 'more'
  if (bytes.length === 1) return 'SNGREv'.includes(bytes.toString('latin1')) ? 'more' : 'no'
  if (bytes[0] === 0x53) {
    const hello = looksLikeServerHello(bytes.subarray(1))
    return hello === 'yes' ? matched('Postgres answered an SSLRequest with S, then TLS') : hello
  }
  const at = bytes[0] === 0x4e ? 1 : 0
  const type = bytes[at]
  if (type !== 0x52 && type !== 0x45 && type !== 0x76) return 'no'
  const length = prefixInt32(bytes, at + 1)
  if (length === 'more') return 'more'
  if (length < 8 || length > 30_000) return 'no'
  if (bytes.length < at + 9) return 'more'
  const code = bytes.readInt32BE(at + 5)
  if (type === 0x52) return authentication(code, length) ? matched('Postgres authentication request') : 'no'
  // NegotiateProtocolVersion: the newest minor version, since PostgreSQL 18 with the major one.
  if (type === 0x76) return length >= 12 && code >= 0 && code < 4 << 16 ? matched('Postgres version negotiation') : 'no'
  return errorResponse(bytes.subarray(at + 5))
}

/** Authentication requests ("AuthenticationOk" and its kin): code 0 to 12, most of one length. */
function authentication(code: number, length: number): boolean {
  if (code === 5) return length === 12
  if (code === 0 || code === 2 || code === 3 || code === 6 || code === 7 || code === 9) return length === 8
  return (code === 8 || (code >= 10 && code <= 12)) && length > 8 && length < 10_000
}

/** ErrorResponse: fields of a type byte and a C string; severity S is first, then V, the same not translated (9.6 and later). */
function errorResponse(fields: Buffer): Verdict {
  if (fields[0] !== 0x53) return 'no'
  const end = fields.indexOf(0, 1)
  if (end < 0) return fields.length > 32 ? 'no' : 'more'
  if (fields.length < end + 6) return 'more'
  const next = fields.toString('latin1', end + 1, end + 6)
  return next === 'VFATA' || next === 'VERRO' || next === 'VPANI' ? matched('Postgres error response') : 'no'
}

/** A big-endian length whose first byte is 0 in every sane message. */
function prefixInt32(bytes: Buffer, at: number): number | 'more' {
  if (bytes.length >= at + 4) return bytes.readInt32BE(at)
  return bytes.length > at && bytes[at] !== 0 ? -1 : 'more'
}

function isParameterNameByte(byte: number): boolean {
  const letter = byte | 0x20
  return (letter >= 0x61 && letter <= 0x7a) || byte === 0x5f || byte === 0x2e || (byte >= 0x30 && byte <= 0x39)
}
