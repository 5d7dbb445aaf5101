import { isPrintable } from './bytes.js'
import { either, matched, onPort, type Protocol, type Verdict } from './protocol.js'

const ports = [9092, 19092, 29092, 9093]
const apiVersions = 18

/** Requests as a person calls them; others by number (Kafka protocol guide, "Api Keys": 0 to 92 in Kafka 4). */
const names: Readonly<Record<number, string>> = {
  0: 'Produce',
  1: 'Fetch',
  2: 'ListOffsets',
  3: 'Metadata',
  8: 'OffsetCommit',
  9: 'OffsetFetch',
  10: 'FindCoordinator',
  11: 'JoinGroup',
  12: 'Heartbeat',
  13: 'LeaveGroup',
  14: 'SyncGroup',
  17: 'SaslHandshake',
  18: 'ApiVersions',
  19: 'CreateTopics',
  22: 'InitProducerId',
  36: 'SaslAuthenticate',
}
const maxApiKey = 120
const maxApiVersion = 24

/** Apache Kafka's protocol (Kafka protocol guide, "Protocol Primitive Types" and "Request Header"). Recognised in mid-stream as well. */
export const kafka: Protocol = {
  name: 'kafka',
  category: 'message_bus',
  ports,
  match(opening) {
    const verdict = either(request(opening.client, opening.server), apiVersionsResponse(opening.server))
    return typeof verdict === 'object' ? { ...verdict, reason: onPort(opening, ports, verdict.reason) } : verdict
  },
}

/** Int32 size, Int16 api key, Int16 api version, Int32 correlation id, nullable string client id. */
function request(bytes: Buffer, server: Buffer): Verdict {
  if (!sizeFits(bytes)) return 'no'
  if (bytes.length > 4 && bytes[4] !== 0) return 'no'
  if (bytes.length < 14) return 'more'
  const size = bytes.readInt32BE(0)
  const key = bytes.readInt16BE(4)
  const version = bytes.readInt16BE(6)
  const idLength = bytes.readInt16BE(12)
  if (size < 10 || key < 0 || key > maxApiKey || version < 0 || version > maxApiVersion) return 'no'
  if (idLength < -1 || idLength > 255 || 10 + Math.max(idLength, 0) > size) return 'no'
  const name = `Kafka ${names[key] ?? `api ${key}`} v${version} request`
  if (idLength > 0) {
    const end = Math.min(bytes.length, 14 + idLength)
    if (!isPrintable(bytes, 14, end)) return 'no'
    return end === 14 + idLength ? matched(`${name} of client "${bytes.toString('latin1', 14, end)}"`) : 'more'
  }
  // Without a client id the header is too plain: an ApiVersions request that is nothing but this header, or a first
  // request whose response carries its correlation id.
  if (key === apiVersions && version <= 2) return size === 10 ? matched(name) : 'no'
  if (key !== 3 && key !== 17 && key !== apiVersions) return 'no'
  if (server.length < 8) return 'more'
  const same = server.readInt32BE(4) === bytes.readInt32BE(8) && sizeFits(server) && server.readInt32BE(0) >= 6
  return same ? matched(`${name}, response has its correlation id`) : 'no'
}

/** A response to ApiVersions: error code 0 and the ranges of api keys in ascending order, each at most 30 versions. */
function apiVersionsResponse(bytes: Buffer): Verdict {
  if (!sizeFits(bytes)) return 'no'
  if (bytes.length < 14) return 'more'
  if (bytes.readInt32BE(0) < 16) return 'more'
  // Version 3 and later have a compact array (count + 1) and a byte of tags behind each entry.
  const compact = bytes[10] !== 0
  const from = compact ? 11 : 14
  const width = compact ? 7 : 6
  if (bytes.readInt16BE(8) !== 0) return 'more'
  let last = -1
  for (let at = from, seen = 0; seen < 4; at += width, seen++) {
    if (bytes.length < at + width) return 'more'
    const key = bytes.readInt16BE(at)
    const least = bytes.readInt16BE(at + 2)
    const most = bytes.readInt16BE(at + 4)
    if (key <= last || key > maxApiKey || least < 0 || most < least || most > maxApiVersion) return 'more'
    last = key
  }
  return matched('Kafka ApiVersions response')
}

/** Requests and responses are at most 100 MiB long (socket.request.max.bytes): the first byte of the size is 0 to 6. */
function sizeFits(bytes: Buffer): boolean {
  return bytes.length === 0 || (bytes[0] as number) <= 6
}
