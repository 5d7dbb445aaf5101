import type { Output } from '@syscribe/runtime'
import { namedSchema, topics } from '@syscribe/schemas'
import { copyOctets, longBytes, writeBytes, writeLong, writeString } from './avro.js'
import { chunksEnd, collected } from './chunks.js'
import { decodeContent } from './content.js'
import { type Direction, partial, type Seen } from './direction.js'
import type { Endpoint } from './endpoint.js'
import { parseFields } from './fields.js'
import { Head, request } from './head.js'
import { identityOf } from './identity.js'
import type { MessageSink } from './message-sink.js'
import { CR, LF, SP } from './octets.js'
import { utf8Of } from './text.js'

const branch = topics.http.records.indexOf('HttpMessage')
const kinds = symbolIndexes('MessageKind')
const directions = symbolIndexes('Direction')
const roles = symbolIndexes('Role')
const reasons = symbolIndexes('MissingReason')

function symbolIndexes(name: string): ReadonlyMap<string, number> {
  const { symbols } = namedSchema(name) as unknown as { symbols: string[] }
  return new Map(symbols.map((symbol, index) => [symbol, index]))
}

const noBytes = Buffer.alloc(0)

/**
 * Emits messages as HttpMessage records, encoded straight from the captured bytes into the output batch: names and
 * values of fields are copied octet by octet and never become strings.
 *
 * Knows the order of HttpMessage's fields; a test compares it with the schema's codec.
 */
export class MessageEncoder implements MessageSink {
  /** Where to, and the timestamp of what is emitted (milliseconds): that of the record at hand. */
  out: Output | undefined
  timestamp = 0

  #endpoint!: Endpoint
  #direction!: Direction
  #raw: Buffer = noBytes
  #start = 0
  #end = 0
  #head!: Head
  readonly #trailers = new Head()
  #endTime = 0
  /** Body without its codings: `#body[#bodyStart..#bodyEnd)`; null when it is the end of `raw`. */
  #body: Buffer | null = null
  #bodyStart = 0
  #bodyEnd = 0
  #bodyError: string | null = null
  #identity: Buffer = noBytes
  readonly #write = (buffer: Buffer, position: number): number => this.#encode(buffer, position)

  message(
    endpoint: Endpoint,
    direction: Direction,
    raw: Buffer,
    start: number,
    end: number,
    head: Head,
    seen: Seen,
  ): void {
    this.#endpoint = endpoint
    this.#direction = direction
    this.#raw = raw
    this.#start = start
    this.#end = end
    this.#head = head
    this.#endTime = seen.time
    this.#bodyError = direction.fault
    this.#body = null
    this.#trailers.fieldCount = 0
    if (direction.chunkPhase !== 0) this.#takeChunks()
    if (head.contentCodings !== '' || (head.transferCodings !== '' && head.transferCodings !== 'chunked')) {
      this.#removeCodings()
    }
    this.#identity = identityOf(endpoint, direction)
    this.out?.emitEncoded('http', endpoint.connection, this.timestamp, this.#sizeBound(), this.#write)
    direction.ordinal++
    this.#raw = noBytes
    this.#body = null
  }

  /** The body of a chunked message, and its trailers. */
  #takeChunks(): void {
    const direction = this.#direction
    if (direction.body !== null) {
      this.#body = direction.body
      this.#bodyStart = 0
      this.#bodyEnd = direction.bodySize
    } else {
      this.#body = this.#raw
      this.#bodyStart = this.#start + Math.max(0, direction.stretchStart)
      this.#bodyEnd = this.#bodyStart + collected(direction)
    }
    if (direction.trailers < 0) return
    const trailers = this.#trailers
    trailers.reset(this.#raw, this.#start)
    const ended = parseFields(this.#raw, this.#start + direction.trailers, this.#end, true, trailers)
    if (ended < 0 && direction.chunkPhase === chunksEnd) this.#bodyError ??= 'trailer section: malformed line'
  }

  #removeCodings(): void {
    const direction = this.#direction
    const head = this.#head
    // Without an end of the body nothing is known to be the body, unless it was in chunks.
    if (direction.skipped === partial && this.#body === null) return
    const from = this.#body === null ? this.#start + direction.headSize : this.#bodyStart
    let to = this.#body === null ? this.#end : this.#bodyEnd
    if (direction.firstGap >= 0) to = Math.min(to, from + direction.firstGap)
    if (to === from) return
    const codings = `${head.contentCodings},${head.transferCodings.replace(/(^|,)chunked$/, '')}`
    const source = this.#body ?? this.#raw
    const decoded = decodeContent(source.subarray(from, to), codings, direction.reason !== null)
    if (decoded.bytes === null) {
      this.#bodyError ??= decoded.error
      return
    }
    this.#body = decoded.bytes
    this.#bodyStart = 0
    this.#bodyEnd = decoded.bytes.length
  }

  /** At least as many bytes as the record takes. */
  #sizeBound(): number {
    const { count, bytes } = fieldBound(this.#head, fieldBound(this.#trailers, { count: 0, bytes: 0 }))
    const body = this.#body === null ? 0 : this.#bodyEnd - this.#bodyStart
    const error = this.#bodyError === null ? 0 : Buffer.byteLength(this.#bodyError)
    const fixed = 256 + this.#identity.length + this.#direction.target.length
    return fixed + bytes + count * 2 * longBytes + body + error + this.#end - this.#start
  }

  #encode(buffer: Buffer, position: number): number {
    const bound = this.#sizeBound()
    if (position + bound > buffer.length) return -(position + bound - buffer.length)
    const endpoint = this.#endpoint
    const direction = this.#direction
    const isRequest = direction.kind === request
    let at = position
    buffer[at++] = branch << 1
    at += copyOctets(buffer, at, endpoint.connection, 0, 8)
    at = writeLong(buffer, at, kinds.get(isRequest ? 'request' : 'response') as number)
    at = writeLong(buffer, at, directions.get(direction === endpoint.send ? 'send' : 'recv') as number)
    at = writeLong(buffer, at, roles.get(endpoint.role) as number)
    at = writeLong(buffer, at, direction.exchange)
    at = writeLong(buffer, at, direction.ordinal)
    at = writeLong(buffer, at, direction.time)
    at = writeLong(buffer, at, direction.timeNanos)
    at = writeLong(buffer, at, this.#endTime)
    at += copyOctets(buffer, at, this.#identity, 0, this.#identity.length)
    at = writeLong(buffer, at, this.#end - this.#start + direction.missing)
    const complete = direction.reason === null
    buffer[at++] = complete ? 1 : 0
    at = writeLong(buffer, at, direction.missing)
    at = writeLong(buffer, at, complete ? 0 : 1)
    if (direction.reason !== null) at = writeLong(buffer, at, reasons.get(direction.reason) as number)
    if (this.#head.hasLine) {
      buffer[at++] = 3 << 1
      buffer[at++] = 49
      buffer[at++] = 46
      buffer[at++] = 48 + direction.minor
    } else buffer[at++] = 0
    at += copyOctets(buffer, at, direction.target, 0, direction.target.length)
    const hasStatus = !isRequest && this.#head.hasLine
    at = writeLong(buffer, at, hasStatus ? 1 : 0)
    if (hasStatus) at = writeLong(buffer, at, direction.status)
    at = writeFields(buffer, at, this.#head)
    at = writeFields(buffer, at, this.#trailers)
    at = writeLong(buffer, at, direction.headSize)
    at = writeLong(buffer, at, this.#body === null ? 0 : 1)
    if (this.#body !== null) at = writeBytes(buffer, at, this.#body, this.#bodyStart, this.#bodyEnd)
    at = writeLong(buffer, at, this.#bodyError === null ? 0 : 1)
    if (this.#bodyError !== null) at = writeString(buffer, at, this.#bodyError)
    return writeBytes(buffer, at, this.#raw, this.#start, this.#end)
  }
}

interface FieldBound {
  count: number
  bytes: number
}

/** Adds up how many bytes the fields' names and values take at most. */
function fieldBound(head: Head, before: FieldBound): FieldBound {
  const { fieldCount, fields } = head
  if (fieldCount === 0) return before
  const span = (fields[fieldCount * 4 - 1] as number) - (fields[0] as number)
  // An octet of ISO 8859-1 can take two bytes in UTF-8.
  before.count += fieldCount
  before.bytes += head.wide ? span * 2 : span
  return before
}

/** An array of Header: one block of its length, then an empty one. */
function writeFields(buffer: Buffer, position: number, head: Head): number {
  const { bytes, fields, fieldCount } = head
  let at = position
  if (fieldCount > 0) {
    at = writeLong(buffer, at, fieldCount)
    for (let slot = 0; slot < fieldCount * 4; slot += 4) {
      at = writeBytes(buffer, at, bytes, fields[slot] as number, fields[slot + 1] as number)
      const start = fields[slot + 2] as number
      const end = fields[slot + 3] as number
      at =
        head.wide || head.folded ? writeValue(buffer, at, head, start, end) : writeBytes(buffer, at, bytes, start, end)
    }
  }
  buffer[at++] = 0
  return at
}

/** A value with octets outside ASCII, or an obs-fold, of which each octet stands for a space (RFC 9112 section 5.2). */
function writeValue(buffer: Buffer, position: number, head: Head, start: number, end: number): number {
  const text = head.wide ? utf8Of(head.bytes, start, end) : head.bytes.subarray(start, end)
  const at = writeBytes(buffer, position, text, 0, text.length)
  if (head.folded) {
    for (let index = at - text.length; index < at; index++) {
      if (buffer[index] === CR || buffer[index] === LF) buffer[index] = SP
    }
  }
  return at
}
