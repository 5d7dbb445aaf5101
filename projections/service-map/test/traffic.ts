import type { InputRecord } from '@syscribe/runtime'
import {
  type Connection,
  type ConnectionEnd,
  type HttpMessage,
  type KindRecord,
  type Party,
  type ProcessKey,
  TopicCodec,
  type TopicKind,
} from '@syscribe/schemas'

export const codec = new TopicCodec('traffic')

/** Start of all the tests' times, microseconds. */
export const start = Date.UTC(2024, 3, 8, 18, 24, 10) * 1000

const boot = Buffer.alloc(16, 7)
const key: ProcessKey = { host: 'h', boot, pid: 42, processStart: 9 }

export function service(name: string, image?: string): Party {
  return {
    name,
    type: image === undefined ? 'external' : 'container',
    container: image === undefined ? null : { service: name, image, id: `${name}-id`, name: `${name}-1`, pod: null },
    process: { key, comm: name, cmdline: name, profile: 'local', profileName: name },
    reason: 'ADI_PROFILE_NAME',
  }
}

export function input<K extends TopicKind<'traffic'>>(kind: K, value: KindRecord<K>, time: number): InputRecord {
  return {
    topic: 'traffic',
    partition: 0,
    offset: 0,
    timestamp: Math.floor(time / 1000),
    key: null,
    value: codec.encode(kind, value),
    codec: codec as never,
  }
}

export interface Said {
  from?: Party
  to?: Party
  connection?: number
  exchange?: number
  /** Microseconds after `start`. */
  after?: number
  method?: string | null
  url?: string | null
  status?: number
  type?: string
  body?: string | Buffer
  change?: Partial<HttpMessage>
}

const id = (connection: number): Buffer => {
  const bytes = Buffer.alloc(8)
  bytes.writeUInt32BE(connection)
  return bytes
}

function messageOf(kind: 'request' | 'response', said: Said): InputRecord {
  const { from = service('a'), to = service('b'), connection = 1, exchange = 0, after = 0 } = said
  const head = Buffer.from('HEAD\r\n\r\n')
  const raw = Buffer.concat([head, Buffer.from(said.body ?? '')])
  const time = start + after
  const message: HttpMessage = {
    connection: id(connection),
    kind,
    direction: kind === 'request' ? 'send' : 'recv',
    role: 'client',
    exchange,
    ordinal: exchange,
    time,
    timeNanos: 0,
    endTime: time,
    cookie: connection,
    netns: 1,
    process: key,
    peer: null,
    sourceAddress: '10.0.0.1',
    sourcePort: 5000,
    destinationAddress: '10.0.0.2',
    destinationPort: 80,
    length: raw.length,
    complete: true,
    missingBytes: 0,
    missingReason: null,
    version: '1.1',
    method: said.method === undefined ? 'GET' : said.method,
    url: said.url === undefined ? '/' : said.url,
    status: kind === 'request' ? null : (said.status ?? 200),
    headers: said.type === undefined ? [] : [{ name: 'Content-Type', value: said.type }],
    trailers: [],
    bodyStart: head.length,
    body: null,
    bodyError: null,
    raw,
    ...said.change,
  }
  return input('TrafficMessage', { client: from, server: to, message }, time)
}

export const request = (said: Said = {}): InputRecord => messageOf('request', said)
export const response = (said: Said = {}): InputRecord => messageOf('response', { after: 1000, ...said })

/** A request and its answer. */
export const exchange = (said: Said & { answer?: Said } = {}): InputRecord[] => {
  const { answer = {}, ...asked } = said
  const { type: _type, body: _body, change: _change, ...rest } = asked
  return [request(asked), response({ ...rest, after: (asked.after ?? 0) + 1000, ...answer })]
}

export interface Linked {
  from?: Party
  to?: Party
  connection?: number
  after?: number
  change?: Partial<Connection>
}

/** What is told of a connection at its start and at its end alike. */
const seenByClient = (connection: number, time: number) => ({
  connection: id(connection),
  time,
  timeNanos: 0,
  role: 'client' as const,
  cookie: connection,
  netns: 1,
  process: key,
  peer: null,
  clientAddress: '10.0.0.1',
  clientPort: 5000,
})

export function connected(said: Linked = {}): InputRecord {
  const { from = service('a'), to = service('db'), connection = 100, after = 0 } = said
  const time = start + after
  const value: Connection = {
    ...seenByClient(connection, time),
    transport: 'tcp',
    serverAddress: '10.0.0.3',
    serverPort: 5432,
    protocol: 'postgres',
    category: 'database',
    confidence: 90,
    reason: 'port 5432, valid Postgres startup/SSLRequest header',
    serverName: null,
    joinedLate: false,
    ...said.change,
  }
  return input('TrafficConnection', { client: from, server: to, connection: value }, time)
}

export function ended(said: Omit<Linked, 'change'> & { change?: Partial<ConnectionEnd> } = {}): InputRecord {
  const { from = service('a'), to = service('b'), connection = 1, after = 0 } = said
  const time = start + after
  const end: ConnectionEnd = {
    ...seenByClient(connection, time),
    serverAddress: '10.0.0.2',
    serverPort: 80,
    protocol: 'http1',
    sent: 0,
    received: 0,
    captured: 0,
    unseen: [],
    ...said.change,
  }
  return input('TrafficConnectionEnd', { client: from, server: to, end }, time)
}
