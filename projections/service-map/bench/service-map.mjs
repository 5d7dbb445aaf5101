// A message from encoded record to state, and writing the file, at one and at 100,000 entries. CPU time of one core;
// of a message the least of several runs, for what else runs on the machine only adds.
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ReplacedFile } from '@syscribe/runtime'
import { TopicCodec } from '@syscribe/schemas'
import { MapEntries } from '../dist/map-entries.js'

import { mapStateFormat } from '../dist/map-state.js'
import { serviceMap } from '../dist/service-map.js'

/** Keyed state as the runtime keeps it. */
class State {
  values = new Map()
  changed = new Set()
  get = (key) => this.values.get(key)
  update = (key) => {
    const value = this.values.get(key)
    if (value !== undefined) this.changed.add(key)
    return value
  }
  set = (key, value) => {
    this.values.set(key, value)
    this.changed.add(key)
  }
  delete = (key) => {
    this.values.delete(key)
    this.changed.delete(key)
  }
  entries = () => this.values.entries()
}

const codec = new TopicCodec('traffic')
const boot = Buffer.alloc(16, 7)
const key = { host: 'demo-host', boot, pid: 12345, processStart: 987654 }
const party = (name) => ({
  name,
  type: 'external',
  container: null,
  process: { key, comm: name, cmdline: `/usr/bin/node ${name}.js`, profile: 'local', profileName: name },
  reason: 'ADI_PROFILE_NAME',
})
const client = party('traffic-generator')
const server = party('http-service')
const head =
  'POST /echo HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nUser-Agent: Go-http-client/1.1\r\nContent-Type: application/json\r\n\r\n'
const headers = [
  { name: 'Host', value: '127.0.0.1:8080' },
  { name: 'User-Agent', value: 'Go-http-client/1.1' },
  { name: 'Content-Type', value: 'application/json' },
]

function record(kind, exchange, url, body, connection = 1) {
  const raw = Buffer.from(head + body)
  const request = kind === 'request'
  const id = Buffer.alloc(8)
  id.writeUInt32BE(connection)
  const value = codec.encode('TrafficMessage', {
    client,
    server,
    message: {
      connection: id,
      kind,
      direction: request ? 'send' : 'recv',
      role: 'client',
      exchange,
      ordinal: exchange,
      time: 1_712_600_650_000_000 + exchange,
      timeNanos: 0,
      endTime: 1_712_600_650_000_050 + exchange,
      cookie: 4711,
      netns: 4026531840,
      process: key,
      peer: null,
      sourceAddress: '127.0.0.1',
      sourcePort: 54321,
      destinationAddress: '127.0.0.1',
      destinationPort: 8080,
      length: raw.length,
      complete: true,
      missingBytes: 0,
      missingReason: null,
      version: '1.1',
      method: 'POST',
      url,
      status: request ? null : 200,
      headers,
      trailers: [],
      bodyStart: head.length,
      body: null,
      bodyError: null,
      raw,
    },
  })
  return { topic: 'traffic', partition: 0, offset: 0, timestamp: 1_712_600_650_000, key: null, value, codec }
}

const body = JSON.stringify({ id: 17, name: 'a name', ok: true, tags: ['x', 'y'], at: { x: 1.5, y: null } })
const cpu = (from) => {
  const { user, system } = process.cpuUsage(from)
  return from === undefined ? { user, system } : (user + system) / 1000
}
const print = (...cells) => process.stdout.write(`${cells.join(' | ')}\n`)

const folder = mkdtempSync(join(tmpdir(), 'service-map-bench-'))
const path = join(folder, 'map.json')

print('case', 'us a message', 'whole decode by the codec, us')
for (const [name, urlOf, exchanges, rounds] of [
  ['one path', () => '/echo', 1000, 50],
  ['every request a new path', (exchange) => `/items/${exchange}/detail`, 20_000, 1],
]) {
  const records = []
  for (let next = 0; next < exchanges; next++) {
    const url = urlOf(next)
    records.push(record('request', next, url, body), record('response', next, url, body))
  }
  const measured = async (apply) => {
    const times = []
    for (let run = 0; run < 7; run++) {
      const one = await apply()
      const start = cpu()
      for (let round = 0; round < rounds; round++) for (const input of records) one(input)
      times.push((cpu(start) * 1000) / (records.length * rounds))
    }
    return Math.min(...times).toFixed(2)
  }
  const applied = await measured(async () => {
    const map = await serviceMap.open(path, null, { rawPayload: true })
    const state = new State()
    return (input) => map.apply(input, state)
  })
  const decoded = await measured(async () => (input) => codec.decode(input.value))
  print(name, applied, decoded)
}

const state = new State()
const entries = new MapEntries(state)
entries.service('traffic-generator', null, [0, 0])
const call = (number) =>
  entries.count('traffic-generator', {
    destination: 'http-service',
    type: 'external',
    method: 'GET',
    path: `/items/${number}/detail`,
    request: 'null',
    response: '{"id":"number","name":"string","tags":["string"]}',
    answered: true,
    at: [1_712_600_650_000_000 + number, 0],
    passed: 500,
    captured: 500,
  })
const file = await ReplacedFile.open(path)
const write = async () => {
  const start = cpu()
  const wall = performance.now()
  await file.replace(entries.texts('2024-04-08T18:30:00.000000000Z'), false)
  return [cpu(start).toFixed(1), (performance.now() - wall).toFixed(1)]
}
const entryCount = 100_000
for (let number = 0; number < entryCount; number++) call(number)
print(`file at ${entryCount} entries`, 'cpu ms', 'wall ms', 'entries changed before it')
print('written the first time', ...(await write()), entryCount)
for (const changed of [0, 100, 10_000]) {
  for (let number = 0; number < changed; number++) call(Math.floor((number * entryCount) / changed))
  print('written again', ...(await write()), changed)
}
print('file size, MB', (statSync(path).size / 1e6).toFixed(1))
const start = cpu()
let bytes = 0
for (const value of state.values.values()) bytes += mapStateFormat.encode(value).length
print('all state encoded, cpu ms', cpu(start).toFixed(0), 'MB', (bytes / 1e6).toFixed(1))
print('peak memory, MB', Math.round(process.resourceUsage().maxRSS / 1024))
rmSync(folder, { recursive: true })
