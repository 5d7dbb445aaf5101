import { AvroCursor } from './avro-cursor.js'
import { namedSchema } from './avro-files.js'
import { SchemaError } from './errors.js'
import type { Direction, EndpointType, MessageKind, MissingReason, Role } from './generated.js'

/** Symbols of the enums that the view gives by their index. */
export const messageKinds = symbols<MessageKind>('MessageKind')
export const directions = symbols<Direction>('Direction')
export const roles = symbols<Role>('Role')
export const missingReasons = symbols<MissingReason>('MissingReason')
export const endpointTypes = symbols<EndpointType>('EndpointType')

const requestKind = messageKinds.indexOf('request')
const sendDirection = directions.indexOf('send')
const clientRole = roles.indexOf('client')
const unknownRole = roles.indexOf('unknown')

function symbols<T extends string>(name: string): readonly T[] {
  return (namedSchema(name) as unknown as { symbols: T[] }).symbols
}

/** One end of the connection. `xStart` and `xEnd` bound a string's UTF-8 bytes in the record; -1 when it is null. */
export class PartyView {
  nameStart = 0
  nameEnd = 0
  /** Index into `endpointTypes`. */
  type = 0
  hasContainer = false
  serviceStart = -1
  serviceEnd = -1
  imageStart = 0
  imageEnd = 0
  containerIdStart = 0
  containerIdEnd = 0
  containerNameStart = 0
  containerNameEnd = 0
  /** Whether the container is in a pod. */
  hasPod = false
  podNamespaceStart = 0
  podNamespaceEnd = 0
  podNameStart = 0
  podNameEnd = 0
  podWorkloadStart = 0
  podWorkloadEnd = 0
  hasProcess = false
  commStart = 0
  commEnd = 0
  cmdlineStart = 0
  cmdlineEnd = 0

  read(cursor: AvroCursor): void {
    cursor.skipBytes()
    this.nameStart = cursor.start
    this.nameEnd = cursor.at
    this.type = cursor.index(endpointTypes.length)
    this.hasContainer = cursor.present()
    if (this.hasContainer) this.#readContainer(cursor)
    this.hasProcess = cursor.present()
    if (this.hasProcess) this.#readProcess(cursor)
    cursor.skipBytes() // reason
  }

  #readContainer(cursor: AvroCursor): void {
    this.serviceStart = -1
    this.serviceEnd = -1
    if (cursor.present()) {
      cursor.skipBytes()
      this.serviceStart = cursor.start
      this.serviceEnd = cursor.at
    }
    cursor.skipBytes()
    this.imageStart = cursor.start
    this.imageEnd = cursor.at
    cursor.skipBytes()
    this.containerIdStart = cursor.start
    this.containerIdEnd = cursor.at
    cursor.skipBytes()
    this.containerNameStart = cursor.start
    this.containerNameEnd = cursor.at
    this.hasPod = cursor.present()
    if (this.hasPod) this.#readPod(cursor)
  }

  #readPod(cursor: AvroCursor): void {
    cursor.skipBytes()
    this.podNamespaceStart = cursor.start
    this.podNamespaceEnd = cursor.at
    cursor.skipBytes()
    this.podNameStart = cursor.start
    this.podNameEnd = cursor.at
    cursor.skipBytes()
    this.podWorkloadStart = cursor.start
    this.podWorkloadEnd = cursor.at
  }

  #readProcess(cursor: AvroCursor): void {
    skipProcessKey(cursor)
    cursor.skipBytes()
    this.commStart = cursor.start
    this.commEnd = cursor.at
    cursor.skipBytes()
    this.cmdlineStart = cursor.start
    this.cmdlineEnd = cursor.at
    cursor.skipBytes() // profile
    if (cursor.present()) cursor.skipBytes() // profileName
  }
}

/**
 * A TrafficMessage read in place: numbers as they are, strings and bytes by where they lie in the record, so that what
 * a reader does not need is never made into an object. Several times faster than `TopicCodec.decode`.
 *
 * It knows the fields in the order of this version's schema: give it only records for which `codec.isCurrent` holds,
 * others decoded and encoded anew. Re-used from record to record.
 */
export class TrafficMessageView {
  /** The encoded record, branch byte first. */
  bytes: Buffer = Buffer.alloc(0)
  readonly client = new PartyView()
  readonly server = new PartyView()
  /** Where the 8 bytes of the connection id begin. */
  connectionStart = 0
  /** Index into `messageKinds`. */
  kind = 0
  /** Index into `directions`. */
  direction = 0
  /** Index into `roles`. */
  role = 0
  exchange = 0
  ordinal = 0
  time = 0
  timeNanos = 0
  /** Where the fields from `process` to `destinationPort` lie: the same bytes in every message of one connection and end. */
  endsStart = 0
  endsEnd = 0
  pid = 0
  sourceAddressStart = 0
  sourceAddressEnd = 0
  sourcePort = 0
  destinationAddressStart = 0
  destinationAddressEnd = 0
  destinationPort = 0
  length = 0
  complete = false
  missingBytes = 0
  /** Index into `missingReasons`, -1 when null. */
  missingReason = -1
  versionStart = 0
  versionEnd = 0
  methodStart = -1
  methodEnd = -1
  urlStart = -1
  urlEnd = -1
  /** -1 when null. */
  status = -1
  headerCount = 0
  /** Four numbers a header: where its name begins and ends, where its value begins and ends. */
  headers: Int32Array = new Int32Array(128)
  trailerCount = 0
  /** As `headers`. */
  trailers: Int32Array = new Int32Array(16)
  /** Where the body lies: its own bytes, or the end of `raw`. */
  bodyStart = 0
  bodyEnd = 0
  /** The body is the end of `raw`, unchanged. */
  bodyInRaw = false
  bodyErrorStart = -1
  bodyErrorEnd = -1
  rawStart = 0
  rawEnd = 0
  readonly #cursor = new AvroCursor()

  /** The observed process is the client: so the kernel says, or else it sends requests and receives responses. */
  get observedByClient(): boolean {
    if (this.role !== unknownRole) return this.role === clientRole
    return (this.kind === requestKind) === (this.direction === sendDirection)
  }

  /** @throws SchemaError `record_invalid` when the bytes are no whole TrafficMessage. */
  read(record: Buffer): void {
    const cursor = this.#cursor
    this.bytes = record
    cursor.reset(record, 1)
    this.client.read(cursor)
    this.server.read(cursor)
    this.#readObservation(cursor)
    this.#readContent(cursor)
    cursor.check('TrafficMessage')
  }

  #readObservation(cursor: AvroCursor): void {
    this.connectionStart = cursor.at
    cursor.at += 8
    this.kind = cursor.index(messageKinds.length)
    this.direction = cursor.index(directions.length)
    this.role = cursor.index(roles.length)
    this.exchange = cursor.long()
    this.ordinal = cursor.long()
    this.time = cursor.long()
    this.timeNanos = cursor.long()
    cursor.long() // endTime
    cursor.long() // cookie
    cursor.long() // netns
    this.endsStart = cursor.at
    cursor.skipBytes() // process.host
    cursor.at += 16 // process.boot
    this.pid = cursor.long()
    cursor.long() // process.processStart
    if (cursor.present()) skipProcessKey(cursor) // peer
    cursor.skipBytes()
    this.sourceAddressStart = cursor.start
    this.sourceAddressEnd = cursor.at
    this.sourcePort = cursor.long()
    cursor.skipBytes()
    this.destinationAddressStart = cursor.start
    this.destinationAddressEnd = cursor.at
    this.destinationPort = cursor.long()
    this.endsEnd = cursor.at
  }

  #readContent(cursor: AvroCursor): void {
    this.length = cursor.long()
    this.complete = cursor.boolean()
    this.missingBytes = cursor.long()
    this.missingReason = cursor.present() ? cursor.index(missingReasons.length) : -1
    cursor.skipBytes()
    this.versionStart = cursor.start
    this.versionEnd = cursor.at
    const hasMethod = optionalBytes(cursor)
    this.methodStart = hasMethod ? cursor.start : -1
    this.methodEnd = hasMethod ? cursor.at : -1
    const hasUrl = optionalBytes(cursor)
    this.urlStart = hasUrl ? cursor.start : -1
    this.urlEnd = hasUrl ? cursor.at : -1
    this.status = cursor.present() ? cursor.long() : -1
    this.headers = readHeaders(cursor, this.headers)
    this.headerCount = headerCount
    this.trailers = readHeaders(cursor, this.trailers)
    this.trailerCount = headerCount
    const bodyOffset = cursor.long()
    const hasBody = optionalBytes(cursor)
    if (hasBody) {
      this.bodyStart = cursor.start
      this.bodyEnd = cursor.at
    }
    const hasError = optionalBytes(cursor)
    this.bodyErrorStart = hasError ? cursor.start : -1
    this.bodyErrorEnd = hasError ? cursor.at : -1
    cursor.skipBytes()
    this.rawStart = cursor.start
    this.rawEnd = cursor.at
    this.bodyInRaw = !hasBody
    if (!hasBody) {
      this.bodyStart = Math.min(this.rawStart + Math.max(0, bodyOffset), this.rawEnd)
      this.bodyEnd = this.rawEnd
    }
  }
}

function optionalBytes(cursor: AvroCursor): boolean {
  if (!cursor.present()) return false
  cursor.skipBytes()
  return true
}

function skipProcessKey(cursor: AvroCursor): void {
  cursor.skipBytes() // host
  cursor.at += 16 // boot
  cursor.long() // pid
  cursor.long() // processStart
}

/** How many the last `readHeaders` found. */
let headerCount = 0

/** Reads an array of Header into `into`, or into a larger one; an array comes in blocks (Avro 1.12, "Arrays"). */
function readHeaders(cursor: AvroCursor, into: Int32Array): Int32Array {
  let headers = into
  let count = 0
  for (let block = cursor.long(); block !== 0; block = cursor.long()) {
    if (block < 0) {
      block = -block
      cursor.long() // the block's size in bytes
    }
    // A field takes at least two bytes: a count beyond that is damage, not a reason to allocate.
    if (block * 2 > cursor.bytes.length - cursor.at) throw new SchemaError('record_invalid', 'headers are cut short')
    if ((count + block) * 4 > headers.length) {
      const larger = new Int32Array((count + block) * 8)
      larger.set(headers)
      headers = larger
    }
    for (; block > 0; block--) {
      const base = count++ * 4
      cursor.skipBytes()
      headers[base] = cursor.start
      headers[base + 1] = cursor.at
      cursor.skipBytes()
      headers[base + 2] = cursor.start
      headers[base + 3] = cursor.at
    }
  }
  headerCount = count
  return headers
}
