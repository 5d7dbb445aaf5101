import type { Connection, HttpMessage, Party, ProcessKey, TrafficConnection, TrafficMessage } from '@syscribe/schemas'

const boot = Buffer.alloc(16, 7)
const key = (pid: number): ProcessKey => ({ host: 'h', boot, pid, processStart: 100 + pid })

/** The seed's example: a traffic generator calls an echo service. */
export const client: Party = {
  name: 'productpage',
  type: 'container',
  container: {
    service: 'productpage',
    image: 'myorg/productpage:1.0.0',
    id: 'abc123',
    name: 'productpage-1',
    pod: null,
  },
  process: {
    key: key(1234),
    comm: 'traffic-generat',
    cmdline: '/bin/traffic-generator',
    profile: 'local',
    profileName: null,
  },
  reason: 'Compose label',
}

export const server: Party = {
  name: 'reviews',
  type: 'container',
  container: { service: null, image: 'myorg/reviews:2.1.0', id: '789xyz', name: 'reviews-1', pod: null },
  process: null,
  reason: 'container name',
}

const requestRaw = Buffer.from(
  'POST /echo HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nContent-Type: application/json\r\n\r\n{"message":"hello"}',
)

export const requestMessage: HttpMessage = {
  connection: Buffer.from('00112233aabbccdd', 'hex'),
  kind: 'request',
  direction: 'send',
  role: 'client',
  exchange: 3,
  ordinal: 3,
  time: Date.UTC(2024, 3, 8, 18, 24, 10) * 1000 + 123_456,
  timeNanos: 789,
  endTime: Date.UTC(2024, 3, 8, 18, 24, 10) * 1000 + 123_999,
  cookie: 5,
  netns: 4026531840,
  process: key(1234),
  peer: null,
  sourceAddress: '127.0.0.1',
  sourcePort: 54321,
  destinationAddress: '127.0.0.2',
  destinationPort: 8080,
  length: requestRaw.length,
  complete: true,
  missingBytes: 0,
  missingReason: null,
  version: '1.1',
  method: 'POST',
  url: '/echo',
  status: null,
  headers: [
    { name: 'Host', value: '127.0.0.1:8080' },
    { name: 'Content-Type', value: 'application/json' },
  ],
  trailers: [],
  bodyStart: requestRaw.indexOf('{'),
  body: null,
  bodyError: null,
  raw: requestRaw,
}

const responseRaw = Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')

export const responseMessage: HttpMessage = {
  ...requestMessage,
  kind: 'response',
  direction: 'recv',
  time: requestMessage.time + 1000,
  sourceAddress: '127.0.0.2',
  sourcePort: 8080,
  destinationAddress: '127.0.0.1',
  destinationPort: 54321,
  length: responseRaw.length,
  status: 200,
  headers: [{ name: 'Content-Length', value: '2' }],
  bodyStart: responseRaw.length - 2,
  raw: responseRaw,
}

export const message = (change: Partial<HttpMessage> = {}): TrafficMessage => ({
  client,
  server,
  message: { ...requestMessage, ...change },
})

/** A message whose body is `body`, as the end of what was captured. */
export function withBody(body: Buffer, contentType?: string): TrafficMessage {
  const head = Buffer.from('HTTP/1.1 200 OK\r\n\r\n')
  return message({
    ...responseMessage,
    headers: contentType === undefined ? [] : [{ name: 'content-type', value: contentType }],
    raw: Buffer.concat([head, body]),
    bodyStart: head.length,
  })
}

export const connection: Connection = {
  connection: Buffer.from('0011223344556677', 'hex'),
  time: requestMessage.time,
  timeNanos: 789,
  role: 'client',
  cookie: 9,
  netns: 4026531840,
  process: key(1234),
  peer: null,
  transport: 'tcp',
  clientAddress: '10.4.2.60',
  clientPort: 38338,
  serverAddress: '10.4.2.59',
  serverPort: 5432,
  protocol: 'postgres',
  category: 'database',
  confidence: 90,
  reason: 'port 5432, valid Postgres startup/SSLRequest header',
  serverName: null,
  joinedLate: false,
}

export const classified = (change: Partial<Connection> = {}): TrafficConnection => ({
  client,
  server,
  connection: { ...connection, ...change },
})
