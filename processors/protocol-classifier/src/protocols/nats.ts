import { lineAt } from './bytes.js'
import { either, matched, onPort, type Protocol, type Verdict } from './protocol.js'

const ports = [4222, 6222]
const maxLine = 4096

/** NATS client protocol (NATS documentation, "Client Protocol"); routes between servers (port 6222) begin alike. Verbs are upper or lower case. */
export const nats: Protocol = {
  name: 'nats',
  category: 'message_bus',
  ports,
  match(opening) {
    const verdict = either(fromClient(opening.client, opening.server), fromServer(opening.server))
    return typeof verdict === 'object' ? { ...verdict, reason: onPort(opening, ports, verdict.reason) } : verdict
  },
}

const connectKeys =
  /^CONNECT\s+\{\s*(?:\}|.*"(?:verbose|pedantic|lang|protocol|tls_required|auth_token|user|jwt|echo|headers)"\s*:)/is
const infoKeys = /^INFO\s+\{.*"(?:server_id|server_name|max_payload|nonce|auth_required)"\s*:/is

/** Whole lines a client sends: CONNECT, or in mid-stream PUB, HPUB, SUB, and PING with its PONG. */
function fromClient(bytes: Buffer, server: Buffer): Verdict {
  const text = bytes.toString('latin1', 0, maxLine)
  if (connectKeys.test(text)) return matched('NATS CONNECT')
  if (
    /^(?:PUB [!-~]{1,255}(?: [!-~]{1,255})? \d{1,8}|HPUB [!-~]{1,255}(?: [!-~]{1,255})? \d{1,8} \d{1,8})\r\n/i.test(
      text,
    )
  ) {
    return published(bytes, 'PUB')
  }
  if (/^SUB [!-~]{1,255}(?: [!-~]{1,255})? [A-Za-z0-9]{1,20}\r\n/i.test(text)) return matched('NATS SUB')
  if (/^PING\r\n/i.test(text)) return pinged(server, 'PONG')
  if (/^PONG\r\n/i.test(text)) return pinged(server, 'PING')
  return unfinished(text, ['CONNECT {', 'PUB ', 'HPUB ', 'SUB ', 'PING\r\n', 'PONG\r\n'])
}

/** INFO comes first; in mid-stream MSG and HMSG with their sizes. */
function fromServer(bytes: Buffer): Verdict {
  const text = bytes.toString('latin1', 0, maxLine)
  if (infoKeys.test(text)) return matched('NATS INFO from the server')
  if (
    /^(?:MSG [!-~]{1,255} [A-Za-z0-9]{1,20}(?: [!-~]{1,255})? \d{1,8}|HMSG [!-~]{1,255} [A-Za-z0-9]{1,20}(?: [!-~]{1,255})? \d{1,8} \d{1,8})\r\n/.test(
      text,
    )
  ) {
    return published(bytes, 'MSG')
  }
  if (
    /^-ERR '(?:Unknown Protocol|Attempted To Connect|Authorization|Invalid|Secure Connection|Maximum|Parser|Slow|Stale|Permissions)/i.test(
      text,
    )
  ) {
    return matched('NATS error from the server')
  }
  return unfinished(text, ['INFO {', 'MSG ', 'HMSG ', 'PING\r\n', 'PONG\r\n', '+OK\r\n', "-ERR '"])
}

/** The payload is as long as the last number of the line says, and CR LF ends it. */
function published(bytes: Buffer, verb: string): Verdict {
  const line = lineAt(bytes) as string
  const end = line.length + 2 + Number(line.slice(line.lastIndexOf(' ') + 1))
  if (bytes.length < Math.min(end + 2, maxLine)) return 'more'
  const closed = end + 2 > bytes.length || (bytes[end] === 0x0d && bytes[end + 1] === 0x0a)
  return closed ? matched(`NATS ${verb}`) : 'no'
}

/** PING and PONG are words of many protocols: both ends must say exactly theirs. */
function pinged(server: Buffer, want: string): Verdict {
  const line = lineAt(server)
  if (line === null) return server.length < 64 ? 'more' : 'no'
  return line.toUpperCase() === want ? matched('NATS PING and PONG') : 'no'
}

/** A line that has not ended and may still become one of these. */
function unfinished(text: string, begins: readonly string[]): Verdict {
  if (text.length >= maxLine) return 'no'
  const upper = text.toUpperCase().replace(/^(CONNECT|INFO)\s+/, '$1 ')
  return begins.some((each) => (upper.length < each.length ? each.startsWith(upper) : upper.startsWith(each))) &&
    !/^(?:PUB|HPUB|SUB|MSG|HMSG) .*\r\n/s.test(upper)
    ? 'more'
    : 'no'
}
