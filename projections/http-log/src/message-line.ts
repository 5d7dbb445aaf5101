import {
  directions,
  endpointTypes,
  messageKinds,
  missingReasons,
  type PartyView,
  roles,
  type TrafficMessageView,
} from '@syscribe/schemas'
import { writeFields } from './fields-object.js'
import type { LineBuffer } from './line-buffer.js'
import { writePayload } from './payload.js'
import { writeTimestamp } from './timestamp.js'

/** The fixed text between two values, so that a line is a row of copies. */
const f = {
  start: Buffer.from('{"timestamp":"'),
  pid: Buffer.from('","pid":'),
  comm: Buffer.from(',"comm":"'),
  cmdline: Buffer.from('","cmdline":"'),
  direction: directions.map((direction) => Buffer.from(`","direction":"${direction}","source_ip":"`)),
  sourcePort: Buffer.from('","source_port":'),
  destIp: Buffer.from(',"dest_ip":"'),
  destPort: Buffer.from('","dest_port":'),
  bytes: Buffer.from(',"bytes":'),
  method: Buffer.from(',"method":"'),
  url: Buffer.from(',"url":"'),
  status: Buffer.from(',"status_code":'),
  headers: Buffer.from(',"headers":'),
  sourceContainer: Buffer.from(',"source_container":'),
  destinationContainer: Buffer.from(',"destination_container":'),
  nothing: Buffer.from('null'),
  service: Buffer.from('{"service":'),
  image: Buffer.from(',"image":"'),
  containerId: Buffer.from('","container_id":"'),
  containerName: Buffer.from('","container_name":"'),
  containerEnd: Buffer.from('"}'),
  type: endpointTypes.map((type) => Buffer.from(`,"destination_type":"${type}","source_service":"`)),
  destinationService: Buffer.from('","destination_service":"'),
  id: Buffer.from('","id":"'),
  connectionId: Buffer.from('","connection_id":"'),
  exchange: Buffer.from('","exchange":'),
  complete: Buffer.from(',"complete":true,"http_version":"'),
  incomplete: Buffer.from(',"complete":false,"missing_bytes":'),
  missingReason: missingReasons.map((reason) => Buffer.from(`,"missing_reason":"${reason}"`)),
  version: Buffer.from(',"http_version":"'),
  trailers: Buffer.from('","trailers":'),
  bodyError: Buffer.from(',"body_error":"'),
  lineEnd: Buffer.from('}\n'),
  dash: Buffer.from('-'),
}

const request = messageKinds.indexOf('request')
/** In an id: whose observation (c, s or u), of what (q request, r response). */
const observed = roles.map((role) =>
  messageKinds.map((kind) => Buffer.from(`-${role[0]}${kind === 'request' ? 'q' : 'r'}`)),
)

/** Appends the line of one HTTP message. When it throws, the line must be taken back. */
export function writeMessageLine(line: LineBuffer, view: TrafficMessageView, rawPayload: boolean): void {
  writeObservation(line, view)
  if (view.methodStart >= 0) {
    line.raw(f.method)
    line.text(view.bytes, view.methodStart, view.methodEnd)
    line.quote()
  }
  if (view.urlStart >= 0) {
    line.raw(f.url)
    line.text(view.bytes, view.urlStart, view.urlEnd)
    line.quote()
  }
  if (view.status >= 0) {
    line.raw(f.status)
    line.integer(view.status)
  }
  writePayload(line, view, rawPayload, writeHeaders)
  writeEnds(line, view)
  writeIdentity(line, view)
  writeCompleteness(line, view)
}

function writeHeaders(line: LineBuffer, view: TrafficMessageView): void {
  line.raw(f.headers)
  writeFields(line, view.bytes, view.headers, view.headerCount)
}

/** When, by which process, between which addresses. */
function writeObservation(line: LineBuffer, view: TrafficMessageView): void {
  const { bytes } = view
  const process = view.observedByClient ? view.client : view.server
  line.raw(f.start)
  writeTimestamp(line, view.time, view.timeNanos)
  line.raw(f.pid)
  line.integer(view.pid)
  line.raw(f.comm)
  if (process.hasProcess) line.text(bytes, process.commStart, process.commEnd)
  line.raw(f.cmdline)
  if (process.hasProcess) line.text(bytes, process.cmdlineStart, process.cmdlineEnd)
  line.raw(f.direction[view.direction] as Buffer)
  line.text(bytes, view.sourceAddressStart, view.sourceAddressEnd)
  line.raw(f.sourcePort)
  line.integer(view.sourcePort)
  line.raw(f.destIp)
  line.text(bytes, view.destinationAddressStart, view.destinationAddressEnd)
  line.raw(f.destPort)
  line.integer(view.destinationPort)
  line.raw(f.bytes)
  line.integer(view.length)
}

/** Who sent this message and who received it: in a response the server is the source. */
function writeEnds(line: LineBuffer, view: TrafficMessageView): void {
  const source = view.kind === request ? view.client : view.server
  const destination = view.kind === request ? view.server : view.client
  line.raw(f.sourceContainer)
  writeContainer(line, view.bytes, source)
  line.raw(f.destinationContainer)
  writeContainer(line, view.bytes, destination)
  line.raw(f.type[destination.type] as Buffer)
  line.text(view.bytes, source.nameStart, source.nameEnd)
  line.raw(f.destinationService)
  line.text(view.bytes, destination.nameStart, destination.nameEnd)
}

function writeContainer(line: LineBuffer, bytes: Buffer, party: PartyView): void {
  if (!party.hasContainer) {
    line.raw(f.nothing)
    return
  }
  line.raw(f.service)
  if (party.serviceStart < 0) {
    line.raw(f.nothing)
  } else {
    line.quote()
    line.text(bytes, party.serviceStart, party.serviceEnd)
    line.quote()
  }
  line.raw(f.image)
  line.text(bytes, party.imageStart, party.imageEnd)
  line.raw(f.containerId)
  line.text(bytes, party.containerIdStart, party.containerIdEnd)
  line.raw(f.containerName)
  line.text(bytes, party.containerNameStart, party.containerNameEnd)
  line.raw(f.containerEnd)
}

/**
 * The id is of what was captured only. Its time is there because a connection that outlives a restart of the capture
 * may count its messages anew.
 */
function writeIdentity(line: LineBuffer, view: TrafficMessageView): void {
  line.raw(f.id)
  line.hex8(view.bytes, view.connectionStart)
  line.raw((observed[view.role] as Buffer[])[view.kind] as Buffer)
  line.integer(view.ordinal)
  line.raw(f.dash)
  line.integer(view.time)
  line.raw(f.connectionId)
  line.hex8(view.bytes, view.connectionStart)
  line.raw(f.exchange)
  line.integer(view.exchange)
}

function writeCompleteness(line: LineBuffer, view: TrafficMessageView): void {
  if (view.complete) {
    line.raw(f.complete)
  } else {
    line.raw(f.incomplete)
    line.integer(view.missingBytes)
    if (view.missingReason >= 0) line.raw(f.missingReason[view.missingReason] as Buffer)
    line.raw(f.version)
  }
  line.text(view.bytes, view.versionStart, view.versionEnd)
  if (view.trailerCount > 0) {
    line.raw(f.trailers)
    writeFields(line, view.bytes, view.trailers, view.trailerCount)
  } else {
    line.quote()
  }
  if (view.bodyErrorStart >= 0) {
    line.raw(f.bodyError)
    line.text(view.bytes, view.bodyErrorStart, view.bodyErrorEnd)
    line.quote()
  }
  line.raw(f.lineEnd)
}
