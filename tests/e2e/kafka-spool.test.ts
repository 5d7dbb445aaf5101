import { setTimeout as sleep } from 'node:timers/promises'
import { ownBroker } from '@syscribe/test-broker'
import { expect, test } from 'vitest'
import { brokerForAll } from '../harness/broker.js'
import { caughtUp } from '../harness/cluster.js'
import { exchange } from '../harness/exchange.js'
import { freePort } from '../harness/program.js'
import { recordsOf } from '../harness/records.js'
import { differences, noDifferences } from '../harness/same-content.js'
import { TestBed } from '../harness/test-bed.js'

// Brokers that go away: what is captured meanwhile waits on disk, and is in the topics once when they are back.

const bed = new TestBed('spool')
const broker = brokerForAll(ownBroker)

/** The value of a metric without labels. */
async function metric(port: number, name: string): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
  return Number(new RegExp(`^${name} (.*)$`, 'm').exec(text)?.[1])
}

/** Waits until all that passed is in the spool: it is more than before, and nothing more is captured. */
async function spooled(port: number, before: number): Promise<number> {
  for (let last = -1; ; ) {
    const captured = await metric(port, 'syscribe_captured_records_total')
    const bytes = await metric(port, 'syscribe_spool_bytes')
    if (bytes > before && captured === last) return bytes
    last = captured
    await sleep(1_500)
  }
}

const parts = ['http-parser', 'protocol-classifier', 'env-reader', 'container-enricher', 'http-log', 'service-map']

test('brokers killed, and the collector too with a filled spool: nothing is missing, nothing is there twice', {
  timeout: 600_000,
}, async () => {
  const cluster = bed.outputs()
  const embedded = bed.outputs()
  const env = bed.onCluster(broker(), cluster)
  const port = await freePort()
  const collect = ['collect', '--metrics-port', `${port}`]
  const others = await Promise.all([bed.start(['process', 'all'], env), bed.start(['project', 'all'], env)])
  let collector = await bed.start(collect, env)
  const whole = await bed.run({}, embedded)
  const echo = await bed.echo()

  expect(await bed.client(echo.port, 20)).toBe(20)
  await broker().kill9()
  expect(await bed.client(echo.port, 30)).toBe(30)
  const first = await spooled(port, 10_000)
  await collector.kill9()
  collector = await bed.start(collect, env)
  expect(await metric(port, 'syscribe_spool_bytes')).toBeGreaterThanOrEqual(first)
  expect(await bed.client(echo.port, 20)).toBe(20)
  await spooled(port, first)
  expect(await (await fetch(`http://127.0.0.1:${port}/healthz`)).json()).toEqual({
    ready: true,
    detail: 'capturing into the spool: the brokers are away',
  })
  // In the middle of sending, too.
  await broker().restart()
  while ((await metric(port, 'syscribe_sent_records_total')) === 0) await sleep(20)
  await collector.kill9()
  collector = await bed.start(collect, env)
  expect(await bed.client(echo.port, 20)).toBe(20)

  await echo.stop()
  expect(await whole.stop(), whole.stderr).toBe(0)
  expect(await collector.stop(), collector.stderr).toBe(0)
  const status = await caughtUp(env, parts, others)
  for (const part of others) expect(await part.stop(), part.stderr).toBe(0)
  expect(differences(cluster.lines(), embedded.lines())).toEqual(noDifferences)
  expect(cluster.lines().filter((line) => line.event_type === undefined)).toHaveLength(4 * 90)
  expect(status.hosts).toEqual([expect.objectContaining({ ended: true, spoolBytes: 0 })])
})

test('brokers that hang for longer than the spool lasts: drops are counted, and all goes on', {
  timeout: 600_000,
}, async () => {
  const outputs = bed.outputs()
  const env = {
    ...bed.onCluster(broker(), outputs),
    SYSCRIBE_SPOOL_BYTES: '2M',
    SYSCRIBE_QUEUE_BYTES: '1M',
    SYSCRIBE_RING_BYTES: '1M',
  }
  const port = await freePort()
  const others = await Promise.all([bed.start(['process', 'all'], env), bed.start(['project', 'all'], env)])
  const collector = await bed.start(['collect', '--metrics-port', `${port}`], env)
  const echo = await bed.echo()
  const send = async (name: string, count: number) => {
    for (let n = 0; n < count; n++) {
      await exchange(echo.port, `/${name}/${n}`, `/${name}/${n} `.padEnd(64 * 1024, 'o'))
    }
  }
  await send('before', 5)
  // All of it sent: the collector is not in the middle of anything.
  while ((await metric(port, 'syscribe_spool_bytes')) > 0) await sleep(50)
  broker().pause()
  await send('away', 200)
  const waiting = await spooled(port, 1_000_000)
  expect(waiting).toBeLessThanOrEqual(2 * 1024 ** 2)
  broker().resume()
  // There is room again, in memory too.
  const waits = async () => (await metric(port, 'syscribe_spool_bytes')) + (await metric(port, 'syscribe_queue_bytes'))
  while ((await waits()) > 100_000) await sleep(100)
  await send('after', 5)
  await echo.stop()
  expect(await collector.stop(), collector.stderr).toBe(0)
  const status = await caughtUp(env, parts, others)
  for (const part of others) expect(await part.stop(), part.stderr).toBe(0)

  const lines = outputs.lines().filter((line) => line.event_type === undefined)
  const urls = (name: string) =>
    lines.filter(({ url, complete }) => String(url).startsWith(`/${name}/`) && complete === true).map(({ url }) => url)
  for (const name of ['before', 'after']) {
    const expected = Array.from({ length: 5 }, (_, n) => [`/${name}/${n}`, `/${name}/${n}`]).flat()
    expect(urls(name)).toEqual(expected)
  }
  expect(new Set(lines.map(({ id }) => id)).size).toBe(lines.length)
  const losses = await recordsOf(outputs.dataDir, 'syscalls', 'CaptureLoss', env)
  const lost = losses.reduce((sum, { value }) => sum + Number(value.records), 0)
  expect(lost).toBeGreaterThan(0)
  expect(losses.map(({ value }) => value.cause)).toContain('queue_full')
  const [host] = status.hosts
  expect(Object.values(host?.lost ?? {}).reduce((sum, records) => sum + records, 0)).toBe(lost)
  for (const line of lines) if (line.complete === false) expect(line.missing_reason).toBe('lost')
})

test('a collector that starts and ends without brokers leaves what it saw for the next one', {
  timeout: 600_000,
}, async () => {
  const outputs = bed.outputs()
  const env = bed.onCluster(broker(), outputs)
  const echo = await bed.echo()
  const alone = await bed.start(['collect'], { ...env, KAFKA_BROKERS: `127.0.0.1:${await freePort()}` })
  expect(await bed.client(echo.port, 10)).toBe(10)
  expect(await alone.stop(), alone.stderr).toBe(0)
  expect(alone.stderr).toMatch(/the brokers are away: \d+ bytes wait in /)

  const next = await bed.start(['collect'], env)
  expect(await bed.client(echo.port, 10)).toBe(10)
  await echo.stop()
  expect(await next.stop(), next.stderr).toBe(0)
  const seen = await recordsOf(outputs.dataDir, 'syscalls', 'SocketIo', env)
  const requests = seen.filter(({ value }) => value.direction === 'send' && String(value.payload).startsWith('POST'))
  const places = requests.map(({ value: { pid, connection, position } }) => `${pid} ${connection} ${position}`)
  expect([places.length, new Set(places).size]).toEqual([20, 20])
  expect(new Set(requests.map(({ value }) => value.pid)).size).toBe(2)
})

test('syscribe run captures before the brokers are there, and derives when they are', {
  timeout: 600_000,
}, async () => {
  const outputs = bed.outputs()
  const env = bed.onCluster(broker(), outputs)
  const port = await freePort()
  const echo = await bed.echo()
  await broker().kill9()
  const whole = await bed.start(['run', '--metrics-port', `${port}`], env)
  expect(await bed.client(echo.port, 10)).toBe(10)
  expect(await (await fetch(`http://127.0.0.1:${port}/healthz`)).json()).toEqual({
    ready: true,
    detail: 'capturing into the spool: the brokers are away',
  })
  await broker().restart()
  expect(await bed.client(echo.port, 10)).toBe(10)
  await echo.stop()
  expect(await whole.stop(), whole.stderr).toBe(0)
  expect(outputs.lines().filter((line) => line.event_type === undefined)).toHaveLength(4 * 20)
})
