// From an encoded TrafficMessage to bytes of a line, one core: the least of several runs, for what else runs on
// the machine only adds. CPU time, microseconds a message.
import { TopicCodec, TrafficMessageView } from '@syscribe/schemas'
import { LineBuffer } from '../dist/line-buffer.js'
import { writeMessageLine } from '../dist/message-line.js'

const codec = new TopicCodec('traffic')
const boot = Buffer.alloc(16, 7)
const key = { host: 'demo-host', boot, pid: 12345, processStart: 987654 }
const party = (name) => ({
  name,
  type: 'external',
  container: null,
  process: {
    key,
    comm: name.slice(0, 15),
    cmdline: `/usr/bin/node /srv/${name}/dist/server.js --port 8080`,
    profile: 'local',
    profileName: name,
  },
  reason: 'ADI_PROFILE_NAME',
})

function message(kind, exchange, head, body) {
  const raw = Buffer.from(head + body)
  const [first, ...lines] = head.trimEnd().split('\r\n')
  const request = kind === 'request'
  return codec.encode('TrafficMessage', {
    client: party('traffic-generator'),
    server: party('http-service'),
    message: {
      connection: Buffer.from('0011223344556677', 'hex'),
      kind,
      direction: request ? 'send' : 'recv',
      role: 'client',
      exchange,
      ordinal: exchange,
      time: 1_712_600_650_000_000 + exchange * 97,
      timeNanos: exchange % 1000,
      endTime: 1_712_600_650_000_050 + exchange * 97,
      cookie: 4711,
      netns: 4026531840,
      process: key,
      peer: { ...key, pid: 4321 },
      sourceAddress: '127.0.0.1',
      sourcePort: request ? 54321 : 8080,
      destinationAddress: '127.0.0.1',
      destinationPort: request ? 8080 : 54321,
      length: raw.length,
      complete: true,
      missingBytes: 0,
      missingReason: null,
      version: '1.1',
      method: 'POST',
      url: '/echo?run=1',
      status: request ? null : Number(first.split(' ')[1]),
      headers: lines.map((line) => ({ name: line.split(': ')[0], value: line.split(': ')[1] })),
      trailers: [],
      bodyStart: head.length,
      body: null,
      bodyError: null,
      raw,
    },
  })
}

/** As large as what the design was measured with: a request of 254 bytes, a response of 218. */
const json = (size) => JSON.stringify({ message: 'x'.repeat(Math.max(0, size - 14)) })
const cases = {
  'exchange of 254 + 218 B': [
    'POST /echo?run=1 HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nUser-Agent: Go-http-client/1.1\r\nContent-Length: 64\r\nContent-Type: application/json\r\nAccept-Encoding: gzip\r\nX-Request-Id: 6f1c0a52\r\n\r\n',
    64,
    'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nDate: Mon, 08 Apr 2024 18:24:10 GMT\r\nConnection: keep-alive\r\nX-Served-By: http-service\r\nContent-Length: 64\r\n\r\n',
    64,
  ],
  'exchange with 10 kB response': [
    'GET /reviews/0 HTTP/1.1\r\nHost: reviews:9080\r\nAccept: */*\r\n\r\n',
    0,
    'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 10000\r\n\r\n',
    10_000,
  ],
  'exchange with 1 MB response': [
    'GET /big HTTP/1.1\r\nHost: reviews:9080\r\nAccept: */*\r\n\r\n',
    0,
    'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 1000000\r\n\r\n',
    1_000_000,
  ],
}

function least(runs, run) {
  const times = Array.from({ length: runs }, () => {
    const start = process.cpuUsage()
    const count = run()
    const { user, system } = process.cpuUsage(start)
    return (user + system) / count
  })
  return Math.min(...times)
}

const table = []
for (const [name, [requestHead, requestBody, responseHead, responseBody]] of Object.entries(cases)) {
  const records = []
  for (let exchange = 0; exchange < 50; exchange++) {
    records.push(message('request', exchange, requestHead, requestBody ? json(requestBody) : ''))
    records.push(message('response', exchange, responseHead, responseBody ? json(responseBody) : ''))
  }
  const size = records.reduce((sum, record) => sum + record.length, 0)
  const rounds = Math.max(1, Math.round(40_000_000 / size))
  const line = new LineBuffer()
  const view = new TrafficMessageView()
  let bytes = 0
  const fast = least(7, () => {
    for (let round = 0; round < rounds; round++) {
      for (const record of records) {
        view.read(record)
        writeMessageLine(line, view, true)
      }
      bytes = line.length
      line.clear()
    }
    return rounds * records.length
  })
  const reading = least(7, () => {
    for (let round = 0; round < rounds; round++) for (const record of records) view.read(record)
    return rounds * records.length
  })
  const decoding = least(7, () => {
    for (let round = 0; round < rounds; round++) for (const record of records) codec.decode(record)
    return rounds * records.length
  })
  table.push({
    case: name,
    'record B': Math.round(size / records.length),
    'line B': Math.round(bytes / records.length),
    'us a message': fast.toFixed(2),
    'of it reading': reading.toFixed(2),
    'whole decode by the codec, us': decoding.toFixed(2),
  })
}
process.stdout.write(`${Object.keys(table[0]).join(' | ')}\n`)
for (const row of table) process.stdout.write(`${Object.values(row).join(' | ')}\n`)
