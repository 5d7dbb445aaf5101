import { isUtf8 } from 'node:buffer'
import { TextDecoder } from 'node:util'
import type { ContainerRef, Header, TrafficMessage } from '@syscribe/schemas'

/** What the line of a message says, made the plain way from the decoded record: what the fast writer is held against. */
export function referenceLine({ client, server, message }: TrafficMessage, rawPayload: boolean): object {
  const isRequest = message.kind === 'request'
  const byClient = message.role === 'unknown' ? isRequest === (message.direction === 'send') : message.role === 'client'
  const observed = (byClient ? client : server).process
  const source = isRequest ? client : server
  const destination = isRequest ? server : client
  const bodyStart = Math.min(Math.max(0, message.bodyStart), message.raw.length)
  const body = message.body ?? message.raw.subarray(bodyStart)
  const text = message.bodyError === null ? bodyText(body, message.headers) : utf8(body)
  const raw = utf8(message.raw)
  return {
    timestamp: timestamp(message.time, message.timeNanos),
    pid: message.process.pid,
    comm: observed?.comm ?? '',
    cmdline: observed?.cmdline ?? '',
    direction: message.direction,
    source_ip: message.sourceAddress,
    source_port: message.sourcePort,
    dest_ip: message.destinationAddress,
    dest_port: message.destinationPort,
    bytes: message.length,
    ...(message.method === null ? {} : { method: message.method }),
    ...(message.url === null ? {} : { url: message.url }),
    ...(message.status === null || message.status < 0 ? {} : { status_code: message.status }),
    ...(text === undefined ? { body_base64: body.toString('base64') } : { body: text }),
    headers: fields(message.headers),
    ...(!rawPayload
      ? {}
      : raw === undefined
        ? { raw_payload_base64: message.raw.toString('base64') }
        : { raw_payload: raw }),
    source_container: container(source.container),
    destination_container: container(destination.container),
    destination_type: destination.type,
    source_service: source.name,
    destination_service: destination.name,
    connection_id: message.connection.toString('hex'),
    id: `${message.connection.toString('hex')}-${message.role[0]}${isRequest ? 'q' : 'r'}${message.ordinal}-${message.time}`,
    exchange: message.exchange,
    complete: message.complete,
    ...(message.complete ? {} : { missing_bytes: message.missingBytes }),
    ...(message.complete || message.missingReason === null ? {} : { missing_reason: message.missingReason }),
    http_version: message.version,
    ...(message.trailers.length === 0 ? {} : { trailers: fields(message.trailers) }),
    ...(message.bodyError === null ? {} : { body_error: message.bodyError }),
  }
}

function timestamp(time: number, nanos: number): string {
  const total = BigInt(time) * 1000n + BigInt(Math.min(999, Math.max(0, nanos)))
  const second = total / 1_000_000_000n - (total % 1_000_000_000n < 0n ? 1n : 0n)
  const rest = total - second * 1_000_000_000n
  return `${new Date(Number(second) * 1000).toISOString().slice(0, 19)}.${String(rest).padStart(9, '0')}Z`
}

function utf8(bytes: Buffer): string | undefined {
  return isUtf8(bytes) ? bytes.toString() : undefined
}

function bodyText(body: Buffer, headers: Header[]): string | undefined {
  if (body.length === 0) return ''
  const type = headers.find((header) => asciiLower(header.name) === 'content-type')?.value ?? ''
  // Field values are text of bytes; a label is ASCII.
  const label = /;\s*charset\s*=\s*"?([^\s;"]+)/i.exec(Buffer.from(type).toString('latin1'))?.[1]?.toLowerCase()
  if (label === 'iso-8859-1' || label === 'latin1') return body.toString('latin1')
  if (label === 'us-ascii') return body.every((byte) => byte < 0x80) ? body.toString('latin1') : undefined
  if (label === 'windows-1252') {
    return [...body]
      .map((byte) => (byte >= 0x80 && byte < 0xa0 ? (cp1252[byte - 0x80] as string) : String.fromCharCode(byte)))
      .join('')
  }
  try {
    if (label === 'utf-16') {
      const encoding = body[0] === 0xfe && body[1] === 0xff ? 'utf-16be' : 'utf-16le'
      return new TextDecoder(encoding, { fatal: true }).decode(body)
    }
    return new TextDecoder(label ?? 'utf-8', { fatal: true, ignoreBOM: true }).decode(body)
  } catch {
    return undefined
  }
}

function asciiLower(name: string): string {
  return [...name].map((char) => (char >= 'A' && char <= 'Z' ? char.toLowerCase() : char)).join('')
}

function fields(headers: Header[]): object {
  const order: string[] = []
  const spelled = new Map<string, string>()
  const values = new Map<string, string[]>()
  for (const { name, value } of headers) {
    const key = asciiLower(name)
    if (!values.has(key)) {
      order.push(key)
      spelled.set(key, name)
      values.set(key, [])
    }
    values.get(key)?.push(value)
  }
  return Object.fromEntries(
    order.map((key) => [spelled.get(key), values.get(key)?.join(key === 'set-cookie' ? '\n' : ', ')]),
  )
}

function container(ref: ContainerRef | null): object | null {
  if (ref === null) return null
  const { service, image, id, name, pod } = ref
  const ofPod = pod && { pod: pod.name, namespace: pod.namespace, workload: pod.workload }
  return { service, image, container_id: id, container_name: name, ...ofPod }
}

const cp1252 = '€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ'
