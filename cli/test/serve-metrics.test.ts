import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Metrics, type PartStatus } from '@syscribe/runtime'
import { afterEach, expect, test } from 'vitest'
import { captureMetricsSource } from '../src/metrics/capture-metrics.js'
import type { MetricsSource } from '../src/metrics/metrics-source.js'
import { partMetricsSource } from '../src/metrics/part-metrics.js'
import { type Health, type MetricsServer, serveMetrics } from '../src/metrics/serve-metrics.js'

const open: MetricsServer[] = []
afterEach(async () => {
  for (const server of open.splice(0)) await server.close()
})

async function serve(sources: MetricsSource[], health: () => Health = () => ({ ready: true, detail: 'fine' })) {
  const server = await serveMetrics({ metricsPort: { host: '127.0.0.1', port: 0 } }, sources, health)
  open.push(server)
  const get = async (path: string, method = 'GET') => {
    const response = await fetch(`http://${server.address}${path}`, { method })
    return { status: response.status, type: response.headers.get('content-type'), text: await response.text() }
  }
  return get
}

const part: PartStatus = {
  part: 'http-parser',
  state: 'retrying',
  fault: 'x',
  lag: 7,
  consumed: 1,
  emitted: 1,
  deadLetters: 0,
  consumedPerSecond: 1,
  inputs: [{ topic: 'syscalls', partition: 3, next: 5, end: 12 }],
}

test('metrics of parts, with their lag, and of the process', async () => {
  const metrics = new Metrics()
  metrics.metric({ name: 'syscribe_things_total', help: 'Things', kind: 'counter' }, { part: 'p' }).add(4)
  const get = await serve([partMetricsSource(metrics, async () => [part])])
  const { status, type, text } = await get('/metrics')
  expect([status, type]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8'])
  expect(text).toContain('syscribe_things_total{part="p"} 4\n')
  expect(text).toContain('syscribe_lag_records{part="http-parser",topic="syscalls",partition="3"} 7\n')
  expect(text).toContain('syscribe_part_running{part="http-parser"} 0\n')
  expect(text).toMatch(/^process_resident_memory_bytes \d{6,}$/m)
  expect(text).toMatch(/^process_cpu_seconds_total \d+\.\d+$/m)
  // Every name is explained once, as Prometheus wants it.
  const names = [...text.matchAll(/^# TYPE (\S+) /gm)].map(([, name]) => name)
  expect(new Set(names).size).toBe(names.length)
})

test('losses by cause', async () => {
  const lost = [
    { cause: 'ring_full' as const, records: 3, bytes: 99 },
    { cause: 'encode' as const, records: 0, bytes: 0 },
  ]
  const stats = { records: 5, payloadBytes: 6, lost, processes: 1, drainCpuMicros: 2e6, ringHighWaterBytes: 1 }
  const get = await serve([
    captureMetricsSource(() => ({
      ...stats,
      hook: 'socket',
      encodedBytes: 0,
      ringBytes: 1,
      queuedBytes: 0,
      queuedHighWaterBytes: 0,
    })),
    captureMetricsSource(() => undefined),
  ])
  const { text } = await get('/metrics')
  expect(text).toContain(
    'syscribe_lost_records_total{cause="ring_full"} 3\nsyscribe_lost_records_total{cause="queue_full"} 0\n',
  )
  expect(text).toContain('syscribe_lost_payload_bytes_total{cause="ring_full"} 99\n')
  expect(text).toContain('syscribe_drain_cpu_seconds_total 2\n')
})

test('brokers that are away take the lag away, and nothing else', async () => {
  const metrics = new Metrics()
  metrics.metric({ name: 'syscribe_things_total', help: 'Things', kind: 'counter' }).add(1)
  const away = async () => {
    throw new Error('no broker')
  }
  const get = await serve([
    partMetricsSource(metrics, away),
    () => {
      throw new Error('broken')
    },
  ])
  const { status, text } = await get('/metrics')
  expect([status, text.includes('syscribe_things_total 1\n')]).toEqual([200, true])
})

test('health: 200 when ready, 503 when not, with what it is doing', async () => {
  let health: Health = { ready: false, detail: 'starting' }
  const get = await serve([], () => health)
  expect(await get('/healthz')).toMatchObject({ status: 503, text: '{"ready":false,"detail":"starting"}\n' })
  health = { ready: true, detail: 'capturing' }
  expect(await get('/healthz?verbose')).toMatchObject({ status: 200, text: '{"ready":true,"detail":"capturing"}\n' })
  expect((await get('/')).status).toBe(404)
  expect((await get('/metrics', 'POST')).status).toBe(405)
})

test('a port that is taken is told with the setting’s name', async () => {
  const taken = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => taken.once('listening', resolve))
  const { port } = taken.address() as AddressInfo
  const serving = serveMetrics({ metricsPort: { host: '127.0.0.1', port } }, [], () => ({ ready: true, detail: '' }))
  await expect(serving).rejects.toMatchObject({
    code: 'usage',
    message: expect.stringContaining(`SYSCRIBE_METRICS_PORT=127.0.0.1:${port}: cannot listen there`),
  })
  taken.close()
})

test('nothing is served where nothing is set', async () => {
  const server = await serveMetrics({ metricsPort: null }, [], () => ({ ready: true, detail: '' }))
  expect(server.address).toBeNull()
  await server.close()
})
