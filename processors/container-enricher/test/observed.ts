import type {
  Connection,
  ConnectionEnd,
  Container,
  ContainerHost,
  HttpMessage,
  NameAnswer,
  ProcessKey,
  ProcessSeen,
} from '@syscribe/schemas'
import type { Given } from '../../../runtime/test/run-processor.js'

/** Records as the collector and the other processors would write them, at milliseconds of event time. */
const host = { host: 'h', boot: Buffer.alloc(16, 1) }

export const key = (pid: number): ProcessKey => ({ ...host, pid, processStart: pid * 100 })

export function process(
  at: number,
  pid: number,
  change: Partial<ProcessSeen> & { args?: string; env?: string[] } = {},
): Given {
  const { args = `program-${pid}`, env = [], ...fields } = change
  const value: ProcessSeen = {
    ...key(pid),
    time: at * 1000,
    timeNanos: 0,
    reason: 'exec',
    parentPid: 1,
    comm: args.split(' ')[0] ?? '',
    cmdline: Buffer.from(`${args.replaceAll(' ', '\0')}\0`),
    cgroup: '',
    profile: 'local',
    profileName: null,
    environment: Buffer.from(env.map((one) => `${one}\0`).join('')),
    environmentError: null,
    hosts: [],
    ...fields,
  }
  return { at, topic: 'processes', kind: 'ProcessSeen', value }
}

export function exited(at: number, pid: number): Given {
  return { at, topic: 'processes', kind: 'ProcessExited', value: { ...key(pid), time: at * 1000, timeNanos: 0 } }
}

export interface Ends {
  id?: number
  /** Observed processes; which of them saw the record is told by `by`. */
  client?: number
  server?: number
  clientAddress?: string
  serverAddress?: string
  serverPort?: number
  clientPort?: number
  /** Network namespace of the socket. */
  netns?: number
  /** Whether the record says who is at the other end, as it does once that was seen. */
  peer?: boolean
}

const connectionId = (id: number): Buffer => {
  const bytes = Buffer.alloc(8, 0xc3)
  bytes.writeUInt32BE(id, 4)
  return bytes
}
const processOf = (pid: number | undefined): ProcessKey => key(pid ?? 0)
const peerOf = (ends: Ends, pid: number | undefined) => (ends.peer === true && pid !== undefined ? key(pid) : null)

function message(
  at: number,
  kind: 'request' | 'response',
  by: 'client' | 'server',
  ends: Ends,
  headers: [string, string][],
  change: Partial<HttpMessage>,
): Given {
  const client = { address: ends.clientAddress ?? '10.0.0.1', port: ends.clientPort ?? 40_000 }
  const server = { address: ends.serverAddress ?? '10.0.0.2', port: ends.serverPort ?? 8080 }
  const [from, to] = kind === 'request' ? [client, server] : [server, client]
  const value: HttpMessage = {
    connection: connectionId(ends.id ?? 1),
    kind,
    direction: (kind === 'request') === (by === 'client') ? 'send' : 'recv',
    role: by,
    exchange: 0,
    ordinal: 0,
    time: at * 1000,
    timeNanos: 0,
    endTime: at * 1000,
    cookie: 1,
    netns: ends.netns ?? 1,
    process: processOf(by === 'client' ? ends.client : ends.server),
    peer: peerOf(ends, by === 'client' ? ends.server : ends.client),
    sourceAddress: from.address,
    sourcePort: from.port,
    destinationAddress: to.address,
    destinationPort: to.port,
    length: 10,
    complete: true,
    missingBytes: 0,
    missingReason: null,
    version: '1.1',
    method: 'GET',
    url: '/',
    status: kind === 'response' ? 200 : null,
    headers: headers.map(([name, header]) => ({ name, value: header })),
    trailers: [],
    bodyStart: 3,
    body: null,
    bodyError: null,
    raw: Buffer.from(`${kind} ${at} ${by}`),
    ...change,
  }
  return { at, topic: 'http', kind: 'HttpMessage', value }
}

export const request = (
  at: number,
  by: 'client' | 'server',
  ends: Ends,
  hostHeader?: string,
  change: Partial<HttpMessage> = {},
): Given => message(at, 'request', by, ends, hostHeader === undefined ? [] : [['Host', hostHeader]], change)
export const response = (at: number, by: 'client' | 'server', ends: Ends, change: Partial<HttpMessage> = {}): Given =>
  message(at, 'response', by, ends, [], change)

export function connection(at: number, by: 'client' | 'server', ends: Ends, change: Partial<Connection> = {}): Given {
  const value: Connection = {
    ...endOf(at, by, ends),
    transport: 'tcp',
    protocol: 'postgres',
    category: 'database',
    confidence: 90,
    reason: 'r',
    serverName: null,
    joinedLate: false,
    ...change,
  }
  return { at, topic: 'connections', kind: 'Connection', value }
}

export function end(at: number, by: 'client' | 'server', ends: Ends): Given {
  const value: ConnectionEnd = {
    ...endOf(at, by, ends),
    protocol: 'http1',
    sent: 1,
    received: 2,
    captured: 3,
    unseen: [],
  }
  return { at, topic: 'connections', kind: 'ConnectionEnd', value }
}

function endOf(at: number, by: 'client' | 'server', ends: Ends) {
  return {
    connection: connectionId(ends.id ?? 1),
    time: at * 1000,
    timeNanos: 0,
    role: by,
    cookie: 1,
    netns: ends.netns ?? 1,
    process: processOf(by === 'client' ? ends.client : ends.server),
    peer: peerOf(ends, by === 'client' ? ends.server : ends.client),
    clientAddress: ends.clientAddress ?? '10.0.0.1',
    clientPort: ends.clientPort ?? 40_000,
    serverAddress: ends.serverAddress ?? '10.0.0.2',
    serverPort: ends.serverPort ?? 8080,
  }
}

export function answer(at: number, pid: number, name: string, ...addresses: string[]): Given {
  const value: NameAnswer = { time: at * 1000, timeNanos: 0, process: key(pid), name, addresses }
  return { at, topic: 'names', kind: 'NameAnswer', value }
}

export function container(at: number, name: string, change: Partial<Container> = {}): Given {
  const value: Container = {
    ...host,
    time: at * 1000,
    timeNanos: 0,
    runtime: 'docker',
    id: containerId(name),
    name,
    image: `${name}:1`,
    service: null,
    labels: {},
    addresses: [],
    hostNetwork: false,
    ports: [],
    cgroup: '',
    pid: 0,
    from: at * 1000,
    to: null,
    netns: 0,
    networks: [],
    ...change,
  }
  return { at, topic: 'containers', kind: 'Container', value }
}

/** What is said of a host whose container runtime is watched. */
export function containerHost(at: number, change: Partial<ContainerHost> = {}): Given {
  const value: ContainerHost = {
    ...host,
    time: at * 1000,
    timeNanos: 0,
    runtime: 'docker',
    complete: true,
    netns: 1,
    addresses: ['192.168.1.5', '172.18.0.1', '172.17.0.1'],
    ...change,
  }
  return { at, topic: 'containers', kind: 'ContainerHost', value }
}

export const containerId = (name: string): string => Buffer.from(name).toString('hex').padEnd(64, '0').slice(0, 64)
