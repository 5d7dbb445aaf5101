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
import { type Fragment, fragment, type LineBuffer } from './line-buffer.js'
import { writePayload } from './payload.js'
import { RememberedText } from './remembered-text.js'
import { writeTimestamp } from './timestamp.js'

/** The fixed text between two values, so that a line is a row of copies. */
const f = {
  start: fragment('{"timestamp":"'),
  pid: fragment('","pid":'),
  comm: fragment(',"comm":"'),
  cmdline: fragment('","cmdline":"'),
  direction: directions.map((direction) => fragment(`","direction":"${direction}","source_ip":"`)),
  sourcePort: fragment('","source_port":'),
  destIp: fragment(',"dest_ip":"'),
  destPort: fragment('","dest_port":'),
  bytes: fragment(',"bytes":'),
  method: fragment(',"method":"'),
  url: fragment(',"url":"'),
  status: fragment(',"status_code":'),
  headers: fragment(',"headers":'),
  sourceContainer: fragment(',"source_container":'),
  destinationContainer: fragment(',"destination_container":'),
  nothing: fragment('null'),
  service: fragment('{"service":'),
  image: fragment(',"image":"'),
  containerId: fragment('","container_id":"'),
  containerName: fragment('","container_name":"'),
  pod: fragment('","pod":"'),
  namespace: fragment('","namespace":"'),
  workload: fragment('","workload":"'),
  containerEnd: fragment('"}'),
  type: endpointTypes.map((type) => fragment(`,"destination_type":"${type}","source_service":"`)),
  destinationService: fragment('","destination_service":"'),
  id: fragment('","id":"'),
  connectionId: fragment('","connection_id":"'),
  exchange: fragment('","exchange":'),
  complete: fragment(',"complete":true,"http_version":"'),
  incomplete: fragment(',"complete":false,"missing_bytes":'),
  missingReason: missingReasons.map((reason) => fragment(`,"missing_reason":"${reason}"`)),
  version: fragment(',"http_version":"'),
  trailers: fragment('","trailers":'),
  bodyError: fragment(',"body_error":"'),
  lineEnd: fragment('}\n'),
  dash: fragment('-'),
}

const request = messageKinds.indexOf('request')
/** In an id: whose observation (c, s or u), of what (q request, r response). */
const observed = roles.map((role) =>
  messageKinds.map((kind) => fragment(`-${role[0]}${kind === 'request' ? 'q' : 'r'}`)),
)

/** Appends the line of one HTTP message. When it throws, the line must be taken back. */
export function writeMessageLine(line: LineBuffer, view: TrafficMessageView, rawPayload: boolean): void {
  line.from(view.bytes)
  line.fixed(f.start)
  writeTimestamp(line, view.time, view.timeNanos)
  remembered.observation(line, view)
  line.integer(view.length)
  if (view.methodStart >= 0) {
    line.fixed(f.method)
    line.text(view.methodStart, view.methodEnd)
    line.quote()
  }
  if (view.urlStart >= 0) {
    line.fixed(f.url)
    line.text(view.urlStart, view.urlEnd)
    line.quote()
  }
  if (view.status >= 0) {
    line.fixed(f.status)
    line.integer(view.status)
  }
  writePayload(line, view, rawPayload, writeHeaders)
  remembered.identity(line, view)
  writeNumbers(line, view)
  writeCompleteness(line, view)
}

function writeHeaders(line: LineBuffer, view: TrafficMessageView): void {
  line.fixed(f.headers)
  writeFields(line, view.bytes, view.headers, view.headerCount)
}

/** By which process, between which addresses. */
function writeObservation(line: LineBuffer, view: TrafficMessageView): void {
  const process = view.observedByClient ? view.client : view.server
  line.fixed(f.pid)
  line.integer(view.pid)
  line.fixed(f.comm)
  if (process.hasProcess) line.text(process.commStart, process.commEnd)
  line.fixed(f.cmdline)
  if (process.hasProcess) line.text(process.cmdlineStart, process.cmdlineEnd)
  line.fixed(f.direction[view.direction] as Fragment)
  line.text(view.sourceAddressStart, view.sourceAddressEnd)
  line.fixed(f.sourcePort)
  line.integer(view.sourcePort)
  line.fixed(f.destIp)
  line.text(view.destinationAddressStart, view.destinationAddressEnd)
  line.fixed(f.destPort)
  line.integer(view.destinationPort)
  line.fixed(f.bytes)
}

/** Who sent this message and who received it: in a response the server is the source. Then how its id begins. */
function writeEnds(line: LineBuffer, view: TrafficMessageView): void {
  const source = view.kind === request ? view.client : view.server
  const destination = view.kind === request ? view.server : view.client
  line.fixed(f.sourceContainer)
  writeContainer(line, source)
  line.fixed(f.destinationContainer)
  writeContainer(line, destination)
  line.fixed(f.type[destination.type] as Fragment)
  line.text(source.nameStart, source.nameEnd)
  line.fixed(f.destinationService)
  line.text(destination.nameStart, destination.nameEnd)
  line.fixed(f.connectionId)
  line.hex8(view.connectionStart)
  line.fixed(f.id)
  line.hex8(view.connectionStart)
  line.fixed((observed[view.role] as Fragment[])[view.kind] as Fragment)
}

const remembered = new RememberedText(writeObservation, writeEnds)

function writeContainer(line: LineBuffer, party: PartyView): void {
  if (!party.hasContainer) {
    line.fixed(f.nothing)
    return
  }
  line.fixed(f.service)
  if (party.serviceStart < 0) {
    line.fixed(f.nothing)
  } else {
    line.quote()
    line.text(party.serviceStart, party.serviceEnd)
    line.quote()
  }
  line.fixed(f.image)
  line.text(party.imageStart, party.imageEnd)
  line.fixed(f.containerId)
  line.text(party.containerIdStart, party.containerIdEnd)
  line.fixed(f.containerName)
  line.text(party.containerNameStart, party.containerNameEnd)
  if (party.hasPod) {
    line.fixed(f.pod)
    line.text(party.podNameStart, party.podNameEnd)
    line.fixed(f.namespace)
    line.text(party.podNamespaceStart, party.podNamespaceEnd)
    line.fixed(f.workload)
    line.text(party.podWorkloadStart, party.podWorkloadEnd)
  }
  line.fixed(f.containerEnd)
}

/**
 * The id is of what was captured only. Its time is there because a connection that outlives a restart of the capture
 * may count its messages anew.
 */
function writeNumbers(line: LineBuffer, view: TrafficMessageView): void {
  line.integer(view.ordinal)
  line.fixed(f.dash)
  line.integer(view.time)
  line.fixed(f.exchange)
  line.integer(view.exchange)
}

function writeCompleteness(line: LineBuffer, view: TrafficMessageView): void {
  if (view.complete) {
    line.fixed(f.complete)
  } else {
    line.fixed(f.incomplete)
    line.integer(view.missingBytes)
    if (view.missingReason >= 0) line.fixed(f.missingReason[view.missingReason] as Fragment)
    line.fixed(f.version)
  }
  line.text(view.versionStart, view.versionEnd)
  if (view.trailerCount > 0) {
    line.fixed(f.trailers)
    writeFields(line, view.bytes, view.trailers, view.trailerCount)
  } else {
    line.quote()
  }
  if (view.bodyErrorStart >= 0) {
    line.fixed(f.bodyError)
    line.text(view.bodyErrorStart, view.bodyErrorEnd)
    line.quote()
  }
  line.fixed(f.lineEnd)
}
