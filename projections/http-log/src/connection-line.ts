import { type ContainerRef, isDependency, type Party, type ProcessKey, type TrafficConnection } from '@syscribe/schemas'
import { fragment, type LineBuffer } from './line-buffer.js'
import { timestampText } from './timestamp.js'

const lineEnd = fragment('\n')

/**
 * Appends the line of one classified connection, nothing for one that is no dependency. There is one a
 * connection, not one a message: what counts here is that it is plain.
 */
export function writeConnectionLine(line: LineBuffer, { client, server, connection }: TrafficConnection): void {
  if (!isDependency(connection.protocol)) return
  const ofClient = connection.role === 'unknown' ? !isOf(server, connection.process) : connection.role === 'client'
  const process = (ofClient ? client : server).process
  const id = connection.connection.toString('hex')
  line.json({
    timestamp: timestampText(connection.time, connection.timeNanos),
    event_type: 'connection',
    pid: connection.process.pid,
    comm: process?.comm ?? '',
    cmdline: process?.cmdline ?? '',
    direction: ofClient ? 'send' : 'recv',
    source_ip: connection.clientAddress,
    source_port: connection.clientPort,
    dest_ip: connection.serverAddress,
    dest_port: connection.serverPort,
    protocol: connection.protocol,
    category: connection.category,
    confidence: connection.confidence,
    detection_reason: connection.reason,
    source_container: container(client.container),
    destination_container: container(server.container),
    destination_type: server.type,
    source_service: client.name,
    destination_service: server.name,
    connection_id: id,
    // Processes that share a socket (fork) have a line each.
    id: `${id}-${connection.role[0]}${connection.process.pid}-${connection.time}`,
    transport: connection.transport,
    server_name: connection.serverName ?? undefined,
    joined_late: connection.joinedLate,
  })
  line.fixed(lineEnd)
}

function isOf(party: Party, process: ProcessKey): boolean {
  const key = party.process?.key
  return (
    key !== undefined &&
    key.pid === process.pid &&
    key.processStart === process.processStart &&
    key.host === process.host &&
    key.boot.equals(process.boot)
  )
}

function container(ref: ContainerRef | null): object | null {
  if (ref === null) return null
  const { service, image, id, name, pod } = ref
  const ofPod = pod === null ? {} : { pod: pod.name, namespace: pod.namespace, workload: pod.workload }
  return { service, image, container_id: id, container_name: name, ...ofPod }
}
