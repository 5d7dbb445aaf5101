import { longBytes, writeLong, writeString } from './avro.js'
import type { Direction } from './direction.js'
import type { Endpoint, Process } from './endpoint.js'
import { ipText } from './ip-text.js'

/**
 * The fields of an HttpMessage from `cookie` to `destinationPort`, encoded: the same for message after message of one
 * direction, so made once.
 */
export function identityOf(endpoint: Endpoint, direction: Direction): Buffer {
  const { process } = endpoint
  if (direction.pid !== process.pid || direction.processStart !== process.processStart) {
    // The message began in another process than the one that has the socket now.
    const owner = { ...process, pid: direction.pid, processStart: direction.processStart }
    return encodeIdentity(endpoint, direction === endpoint.send, owner)
  }
  if (direction === endpoint.send) {
    endpoint.sendIdentity ??= encodeIdentity(endpoint, true, process)
    return endpoint.sendIdentity
  }
  endpoint.receiveIdentity ??= encodeIdentity(endpoint, false, process)
  return endpoint.receiveIdentity
}

function encodeIdentity(endpoint: Endpoint, sends: boolean, process: Process): Buffer {
  const { peer } = endpoint
  const local = ipText(endpoint.localAddress)
  const remote = ipText(endpoint.remoteAddress)
  const buffer = Buffer.allocUnsafe(256 + processBytes(process) + (peer === null ? 0 : processBytes(peer)))
  let at = writeLong(buffer, 0, endpoint.cookie)
  at = writeLong(buffer, at, endpoint.netns)
  at = writeProcess(buffer, at, process)
  at = writeLong(buffer, at, peer === null ? 0 : 1)
  if (peer !== null) at = writeProcess(buffer, at, peer)
  at = writeString(buffer, at, sends ? local : remote)
  at = writeLong(buffer, at, sends ? endpoint.localPort : endpoint.remotePort)
  at = writeString(buffer, at, sends ? remote : local)
  at = writeLong(buffer, at, sends ? endpoint.remotePort : endpoint.localPort)
  return buffer.subarray(0, at)
}

function processBytes(process: Process): number {
  return Buffer.byteLength(process.host) + process.boot.length + 4 * longBytes
}

function writeProcess(buffer: Buffer, position: number, process: Process): number {
  let at = writeString(buffer, position, process.host)
  at += process.boot.copy(buffer, at)
  at = writeLong(buffer, at, process.pid)
  return writeLong(buffer, at, process.processStart)
}
