import type { TrafficMessage } from '@syscribe/schemas'
import { expect, test } from 'vitest'
import { runProcessor } from '../../../runtime/test/run-processor.js'
import { containerEnricher } from '../src/index.js'
import { answer, connection, end, exited, key, process, request, response } from './observed.js'
import { names, reasons, run, type Step, watermark } from './run-enricher.js'

const client = (at = 0) => process(at, 1, { args: 'node /app/client.js' })
const server = (at = 0) => process(at, 2, { args: 'python3 server.py' })

test('both ends observed: every record of the connection carries both programs, whoever saw it', () => {
  const ends = { client: 1, server: 2 }
  const given = [
    client(),
    server(),
    request(10, 'client', ends, 'localhost:8080'),
    request(11, 'server', { ...ends, peer: true }, 'localhost:8080'),
    response(12, 'server', { ...ends, peer: true }),
    response(13, 'client', { ...ends, peer: true }),
    end(14, 'client', { ...ends, peer: true }),
    end(15, 'server', { ...ends, peer: true }),
  ]
  expect(names(...given)).toEqual([11, 11, 12, 13, 14, 15].map((timestamp) => `${timestamp} client.js -> server.py`))
  expect(run(...given).map(({ kind }) => kind)).toEqual([
    ...Array<string>(4).fill('TrafficMessage'),
    ...Array<string>(2).fill('TrafficConnectionEnd'),
  ])
  expect(run(...given)[0]).toMatchObject({
    key: 'client.js',
    client: {
      type: 'external',
      container: null,
      reason: 'script it runs',
      process: { key: key(1), comm: 'node', cmdline: 'node /app/client.js', profile: 'local', profileName: null },
    },
    server: { reason: 'script it runs', process: { key: key(2) } },
  })
})

test('the message goes in unchanged', () => {
  const given = request(10, 'client', { client: 1, server: 2, peer: true }, 'a')
  const { value } = run(client(), server(), given)[0] ?? {}
  expect((value as TrafficMessage).message).toEqual(given.value)
  const classified = connection(10, 'client', { client: 1, server: 2, peer: true })
  expect(run(client(), server(), classified)[0]?.value).toMatchObject({ connection: classified.value })
  const ended = end(10, 'client', { client: 1 })
  expect(run(client(), ended)[0]?.value).toMatchObject({ end: ended.value })
})

test('a server that is not observed has the name its client used, in requests and responses', () => {
  const ends = { client: 1 }
  const given = [client(), request(10, 'client', ends, 'API.example.com:8080'), response(20, 'client', ends)]
  expect(names(...given)).toEqual(['20 client.js -> api.example.com', '20 client.js -> api.example.com'])
  expect(reasons(...given)).toEqual(['api.example.com: HTTP Host header'])
})

test('the first Host of a connection names it', () => {
  const ends = { client: 1 }
  const given = [
    client(),
    request(10, 'client', ends, 'first'),
    response(20, 'client', ends),
    request(30, 'client', ends, 'second'),
  ]
  expect(names(...given)).toEqual(['20 client.js -> first', '20 client.js -> first', '30 client.js -> first'])
})

test('what shows no other end is written when it has waited long enough, and at the end of capture', () => {
  const given = [client(), request(10, 'client', { client: 1 }, 'slow')]
  expect(names(...given, watermark(2009))).toEqual([])
  expect(names(...given, watermark(2010))).toEqual(['2010 client.js -> slow'])
  expect(names(...given, watermark(5000))).toEqual(['2010 client.js -> slow'])
  expect(names(...given, watermark(9, true))).toEqual(['10 client.js -> slow'])
  expect(names(...given, exited(5000, 1))).toEqual(['2010 client.js -> slow'])
  expect(names(...given, watermark(11, true))).toEqual(['11 client.js -> slow'])
  expect(names(...given, end(40, 'client', { client: 1 }))).toEqual(['40 client.js -> slow', '40 client.js -> slow'])
})

test('connections are written in the order in which their time is up', () => {
  const given = [3, 1, 2].map((id) => request(10, 'client', { client: 1, id }, `host-${id}`))
  const first = request(9, 'client', { client: 1, id: 9 }, 'host-9')
  expect(names(client(), first, ...given, watermark(3000))).toEqual([
    '2009 client.js -> host-9',
    '2010 client.js -> host-3',
    '2010 client.js -> host-1',
    '2010 client.js -> host-2',
  ])
})

test('a server that shows itself late does not rename what was written', () => {
  const ends = { client: 1, server: 2 }
  const given = [
    client(),
    server(),
    request(10, 'client', ends, 'name'),
    request(9000, 'server', { ...ends, peer: true }),
  ]
  expect(names(...given)).toEqual(['2010 client.js -> name', '9000 client.js -> name'])
})

test('what an observed server does not accept in time is its all the same, where it answered before and while it runs', () => {
  const known = { client: 1, server: 2, peer: true }
  const asked = (at: number, ends: object = {}) => request(at, 'client', { id: at, client: 1, ...ends }, 'localhost')
  const before = [client(), server(), request(10, 'client', known, 'localhost')]
  const [, stuck] = run(...before, asked(100), watermark(3000))
  expect(stuck).toMatchObject({
    timestamp: 2100,
    server: { name: 'server.py', process: null, reason: 'script it runs, which answered here before' },
  })
  const elsewhere = (ends: object) => names(...before, asked(100, ends), watermark(3000)).at(-1)
  expect(elsewhere({ serverPort: 8081 })).toBe('2100 client.js -> localhost')
  expect(elsewhere({ serverAddress: '10.0.0.9' })).toBe('2100 client.js -> localhost')
  expect(elsewhere({ netns: 7 })).toBe('2100 client.js -> localhost')
  const ended = [...before, exited(50, 2), asked(100), watermark(3000)]
  expect(names(...ended).at(-1)).toBe('2100 client.js -> localhost')
  // Another process took the port over.
  const heir = [process(60, 3, { args: 'python3 heir.py' }), request(70, 'client', { ...known, id: 5, server: 3 }, 'x')]
  expect(names(...before, exited(50, 2), ...heir, asked(100), watermark(3000)).at(-1)).toBe('2100 client.js -> heir.py')
  // Of two that share the port, the first, as long as it runs.
  expect(names(...before, ...heir, asked(100), watermark(3000)).at(-1)).toBe('2100 client.js -> server.py')
})

test('the server may be seen first', () => {
  const ends = { client: 1, server: 2 }
  const given = [client(), server(), request(10, 'server', ends, 'x'), request(11, 'client', ends, 'x')]
  expect(names(...given)).toEqual(['11 client.js -> server.py', '11 client.js -> server.py'])
})

test('a client that is not observed is its address', () => {
  const ends = { server: 2, clientAddress: '2001:db8::7' }
  const given = [server(), request(10, 'server', ends, 'x'), response(12, 'server', ends)]
  expect(names(...given)).toEqual(['12 2001:db8::7 -> server.py', '12 2001:db8::7 -> server.py'])
  expect(run(...given)[0]).toMatchObject({ key: '2001:db8::7', client: { process: null, reason: 'address' } })
})

test('of two processes found running, the one found first does not make the other an address', () => {
  const found = [
    process(0, 2, { args: 'python3 server.py', reason: 'adopted' }),
    process(1, 1, { args: 'node /app/client.js', reason: 'adopted' }),
  ]
  const atServer = (at: number) => [
    request(at, 'server', { server: 2 }, 'x'),
    response(at + 1, 'server', { server: 2 }),
  ]
  const shown = response(13, 'client', { client: 1, server: 2, peer: true })
  const both = Array<string>(3).fill('13 client.js -> server.py')
  expect(names(...found, ...atServer(10), shown)).toEqual(both)
  const alone = (at: number) => Array<string>(2).fill(`${at} 10.0.0.1 -> server.py`)
  expect(names(...found, ...atServer(10), watermark(3000))).toEqual(alone(2010))
  // By then all have been found.
  expect(names(...found, ...atServer(2500))).toEqual(alone(2501))
})

test('a Host that is an address gives way to a variable of the client', () => {
  const env = ['API_URL=http://api:8080', 'DB=postgres://db/x']
  const ends = { client: 1 }
  const given = (hostHeader: string) => [
    process(0, 1, { env }),
    request(10, 'client', ends, hostHeader),
    response(11, 'client', ends),
  ]
  expect(reasons(...given('10.0.0.2:8080'))).toEqual(['api: variable API_URL of its client'])
  expect(reasons(...given('localhost:8080'))).toEqual(['api: variable API_URL of its client'])
  expect(reasons(process(0, 1), ...given('localhost').slice(1))).toEqual(['localhost: HTTP Host header'])
})

test('a response seen first is named without Host; the first request then names the connection', () => {
  const ends = { client: 1 }
  const given = [
    client(),
    response(10, 'client', ends),
    request(20, 'client', ends, 'api'),
    response(30, 'client', ends),
    request(40, 'client', ends, 'else'),
  ]
  expect(names(...given)).toEqual([
    '10 client.js -> 10.0.0.2',
    '20 client.js -> api',
    '30 client.js -> api',
    '40 client.js -> api',
  ])
})

test('a connection named by its TLS server name keeps it when its requests are read', () => {
  const ends = { client: 1 }
  const secure = connection(10, 'client', ends, { serverName: 'vault' })
  const later = [watermark(3000), request(4000, 'client', ends, 'else'), response(4001, 'client', ends)]
  expect(names(client(), secure, ...later).map((one) => one.split(' -> ')[1])).toEqual(Array(3).fill('vault'))
})

test('connections: server name, DNS answer, environment, /etc/hosts, address', () => {
  const to = (serverAddress: string, serverPort: number) => ({ client: 1, serverAddress, serverPort })
  const hosts = [{ address: '10.0.0.3', names: ['db'] }]
  const known = process(0, 1, { env: ['DATABASE_URL=postgres://db:5432/x'], hosts })
  const late = watermark(9000)
  const secure = connection(10, 'client', to('10.0.0.9', 443), { serverName: 'Vault.example' })
  expect(reasons(known, secure, late)).toEqual(['vault.example: TLS server name'])
  const database = connection(10, 'client', to('10.0.0.3', 5432))
  expect(reasons(known, database, late)).toEqual(['db: variable DATABASE_URL of its client'])
  expect(reasons(known, answer(5, 1, 'Primary.DB', '10.0.0.3'), database, late)).toEqual([
    'primary.db: DNS answer to its client',
  ])
  expect(reasons(known, answer(5, 7, 'other', '10.0.0.3'), answer(11, 1, 'later', '10.0.0.3'), database, late)).toEqual(
    ['db: variable DATABASE_URL of its client'],
  )
  expect(reasons(known, connection(10, 'client', to('10.0.0.3', 1)), late)).toEqual(['db: /etc/hosts of its client'])
  expect(reasons(known, connection(10, 'client', to('::1', 6379)), late)).toEqual(['::1: address'])
})

test('a classified connection between observed processes waits for the other end', () => {
  const ends = { client: 1, server: 2 }
  const given = [
    client(),
    server(),
    connection(10, 'client', ends),
    connection(15, 'server', ends),
    end(20, 'server', ends),
  ]
  expect(names(...given)).toEqual([15, 15, 20].map((timestamp) => `${timestamp} client.js -> server.py`))
  const alone = [client(), connection(10, 'client', ends), end(500, 'client', ends)]
  expect(names(...alone)).toEqual(['500 client.js -> 10.0.0.2', '500 client.js -> 10.0.0.2'])
})

test('ADI_PROFILE_NAME comes before the program', () => {
  const named = process(0, 1, { profileName: 'shop' })
  expect(reasons(named, request(10, 'server', { server: 1 }), response(11, 'server', { server: 1 }))).toEqual([
    'shop: ADI_PROFILE_NAME',
  ])
  const empty = process(0, 1, { profileName: '', args: 'nginx: worker process' })
  expect(reasons(empty, response(11, 'server', { server: 1 }))).toEqual(['nginx: program it runs'])
})

test('a process is named by the program it ran at the time', () => {
  const given = [
    process(0, 1, { args: 'sh /run.sh' }),
    response(10, 'server', { server: 1, id: 1 }),
    process(20, 1, { args: 'node app.js' }),
    response(30, 'server', { server: 1, id: 2 }),
    response(31, 'server', { server: 1, id: 3 }, { time: 15_000 }),
    process(40, 1, { args: 'title set later', reason: 'adopted' }),
    response(50, 'server', { server: 1, id: 4 }),
  ]
  expect(run(...given).map((one) => one.server.name)).toEqual(['run.sh', 'app.js', 'run.sh', 'app.js'])
})

test('a process is remembered a while after its exit, then its messages name the address and the pid', () => {
  const ends = { server: 2 }
  expect(names(server(), exited(10, 2), watermark(60_000), response(60_010, 'server', ends))).toEqual([
    '60010 10.0.0.1 -> server.py',
  ])
  const gone = [server(), exited(10, 2), response(60_011, 'server', ends)]
  expect(reasons(...gone)).toEqual(['10.0.0.2: address: process 2 is not in the log'])
  expect(run(...gone)[0]?.server.process).toEqual({
    key: key(2),
    comm: '',
    cmdline: '',
    profile: '',
    profileName: null,
  })
})

test('state is forgotten: connections with their end, processes after their exit, abandoned connections', () => {
  const ends = { client: 1, server: 2, peer: true }
  const busy = [client(), server(), request(10, 'client', ends), answer(11, 1, 'a', '10.0.0.2')]
  const size = (...given: Step[]) => runProcessor(containerEnricher, given).state.size
  expect(size(...busy)).toBe(5)
  expect(size(...busy, end(20, 'client', ends), watermark(30))).toBe(5)
  expect(size(...busy, end(20, 'client', ends), end(21, 'server', ends), watermark(21))).toBe(4)
  expect(size(...busy, exited(30, 1), exited(30, 2), watermark(70_000))).toBe(1)
  const twoExits = [client(), server(), exited(30, 1), exited(40_000, 2), watermark(70_000)]
  expect(size(...twoExits)).toBe(1)
  expect(runProcessor(containerEnricher, twoExits, { restart: true }).state.size).toBe(1)
  expect(size(...busy, exited(30, 1), exited(30, 2), watermark(70_000), watermark(5_000_000))).toBe(0)
})

test('a message given up when its connection ends carries the names too', () => {
  const ends = { client: 1 }
  const given = [client(), request(10, 'client', ends, 'api'), end(20, 'client', ends), response(20, 'client', ends)]
  expect(names(...given, watermark(20))).toEqual(Array(3).fill('20 client.js -> api'))
})

test('a connection in use for hours keeps its names; one that was silent is named anew', () => {
  const ends = { client: 1 }
  const start = [client(), request(10, 'client', ends, 'api'), response(11, 'client', ends)]
  const hour = 3_600_000
  const hours = Array.from({ length: 8 }, (_, index) => response((index + 1) * (hour / 2), 'client', ends))
  expect(new Set(names(...start, ...hours).map((one) => one.split(' -> ')[1]))).toEqual(new Set(['api']))
  const silent = [...start, response(2 * hour, 'client', ends)]
  expect(names(...silent).at(-1)).toBe(`${2 * hour} client.js -> 10.0.0.2`)
  expect(names(...silent.slice(0, 3), watermark(2 * hour - 1), ...silent.slice(3)).at(-1)).toBe(
    `${2 * hour} client.js -> 10.0.0.2`,
  )
})

test('what is held is bounded: beyond it the oldest is named with what is known', () => {
  const raw = Buffer.alloc(5 * 1024 * 1024)
  const asked = (id: number) => request(10 + id, 'client', { client: 1, id }, `host-${id}`, { raw })
  const { emitted } = runProcessor(containerEnricher, [client(), ...Array.from({ length: 8 }, (_, id) => asked(id))])
  expect(emitted.map(({ timestamp, record }) => [timestamp, (record.value as TrafficMessage).server.name])).toEqual([
    [16, 'host-0'],
    [17, 'host-1'],
  ])
})
