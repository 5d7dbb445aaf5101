import { isPrintable } from './bytes.js'
import { lateAnswer, lateCommand } from './mysql-late.js'
import { either, matched, onPort, type Protocol, type Verdict } from './protocol.js'

const ports = [3306]

/** MySQL and MariaDB client/server protocol (MySQL Source Code Documentation, "Client/Server Protocol"; MariaDB Knowledge Base, "Clients & Utilities: connection"). */
export const mysql: Protocol = {
  name: 'mysql',
  category: 'database',
  ports,
  match(opening) {
    const client = opening.clientFromStart ? handshakeResponse(opening.client) : lateCommand(opening)
    const server = opening.serverFromStart ? greeting(opening.server) : lateAnswer(opening)
    const verdict = either(client, server)
    return typeof verdict === 'object' ? { ...verdict, reason: onPort(opening, ports, verdict.reason) } : verdict
  },
}

/** The server speaks first: packet header (int<3> length, sequence 0), then Protocol::HandshakeV10 or ERR_Packet. */
function greeting(bytes: Buffer): Verdict {
  if (bytes.length < 5) return headerFits(bytes, 0) ? 'more' : 'no'
  const length = bytes.readUIntLE(0, 3)
  if (!headerFits(bytes, 0) || length > 1024) return 'no'
  if (bytes[4] === 0xff) return refusal(bytes, length)
  if (bytes[4] !== 10 || length < 30) return 'no'
  const end = bytes.indexOf(0, 5)
  const name = end < 0 ? bytes.length : end
  if (name > 5 + 100 || !isPrintable(bytes, 5, name)) return 'no'
  if (end < 0) return 'more'
  const version = bytes.toString('latin1', 5, end)
  if (!/^\d+\.\d+\.\d+/.test(version)) return 'no'
  // Thread id (4), first 8 bytes of the scramble, then a filler byte 0.
  const filler = end + 13
  if (bytes.length <= filler) return 'more'
  if (bytes[filler] !== 0 || filler > length + 4) return 'no'
  return matched(`${/mariadb/i.test(version) ? 'MariaDB' : 'MySQL'} server greeting, version ${version}`)
}

/** Instead of a greeting: ERR_Packet with a server error code (too many connections, host not allowed). */
function refusal(bytes: Buffer, length: number): Verdict {
  if (bytes.length < 7) return 'more'
  const code = bytes.readUInt16LE(5)
  if (length < 4 || code < 1000 || code > 4999) return 'no'
  const end = Math.min(bytes.length, 4 + length)
  if (!isPrintable(bytes, 7, end)) return 'no'
  return end >= 4 + length && length > 12 ? matched(`MySQL error ${code} in place of a greeting`) : 'more'
}

const protocol41 = 0x0200
const ssl = 0x0800

/** Protocol::HandshakeResponse41 or Protocol::SSLRequest: sequence 1, capabilities, 23 bytes of filler (MariaDB uses the last 4). */
function handshakeResponse(bytes: Buffer): Verdict {
  if (!headerFits(bytes, 1)) return 'no'
  if (bytes.length < 6) return 'more'
  const length = bytes.readUIntLE(0, 3)
  const flags = bytes.readUInt16LE(4)
  if (length < 32 || length > 16_384 || (flags & protocol41) === 0) return 'no'
  for (let i = 13; i < Math.min(bytes.length, 13 + 19); i++) if (bytes[i] !== 0) return 'no'
  if (bytes.length < 36) return 'more'
  if (length === 32) return (flags & ssl) !== 0 ? matched('MySQL SSLRequest, TLS follows') : 'no'
  return matched('MySQL handshake response')
}

/** The header so far: lengths of handshake packets fit two bytes; `sequence` is that of the packet. */
function headerFits(bytes: Buffer, sequence: number): boolean {
  return (bytes.length < 3 || bytes[2] === 0) && (bytes.length < 4 || bytes[3] === sequence)
}
