import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { TopicCodec } from '@syscribe/schemas'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { httpLog } from '../src/index.js'
import { input, noState } from './log-input.js'
import { classified, message, responseMessage } from './traffic.js'

let folder: string
let path: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'http-log-'))
  path = join(folder, 'out.log')
})
afterEach(() => {
  chmodSync(folder, 0o700)
  rmSync(folder, { recursive: true })
})

const settings = { rawPayload: true }
const lines = (): Record<string, unknown>[] =>
  readFileSync(path, 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line))

test('messages and classified connections become lines in the order of the log', async () => {
  const log = await httpLog.open(path, null, settings)
  log.apply(input('TrafficMessage', message()), noState)
  log.apply(input('TrafficConnection', classified()), noState)
  log.apply(input('TrafficMessage', message(responseMessage)), noState)
  await log.flush(noState, true)
  await log.close()
  expect(lines().map((line) => line.event_type ?? line.status_code ?? line.method)).toEqual(['POST', 'connection', 200])
  expect(statSync(path).mode & 0o777).toBe(0o600)
})

test('nothing is written before a flush, and a flush without lines changes nothing', async () => {
  const log = await httpLog.open(path, null, settings)
  log.apply(input('TrafficMessage', message()), noState)
  expect(readFileSync(path, 'utf8')).toBe('')
  const mark = await log.flush(noState, false)
  const written = readFileSync(path, 'utf8')
  expect(await log.flush(noState, true)).toBe(mark)
  expect(readFileSync(path, 'utf8')).toBe(written)
  await log.close()
})

test('a round that was not committed is written once when it is given again', async () => {
  const first = await httpLog.open(path, null, settings)
  first.apply(input('TrafficMessage', message({ ordinal: 1 })), noState)
  const committed = await first.flush(noState, false)
  first.apply(input('TrafficMessage', message({ ordinal: 2 })), noState)
  await first.flush(noState, false)
  await first.close()
  // Half a line of a third round reached the file before the crash.
  writeFileSync(path, '{"timestamp":"20', { flag: 'a' })

  const second = await httpLog.open(path, committed, settings)
  second.apply(input('TrafficMessage', message({ ordinal: 2 })), noState)
  await second.flush(noState, true)
  await second.close()
  expect(lines().map((line) => line.id)).toEqual([
    '00112233aabbccdd-cq1-1712600650123456',
    '00112233aabbccdd-cq2-1712600650123456',
  ])
})

test('a record that cannot be read leaves no part of a line', async () => {
  const log = await httpLog.open(path, null, settings)
  const good = input('TrafficMessage', message())
  const damaged = { ...good, value: good.value.subarray(0, good.value.length - 5) }
  expect(() => log.apply(damaged, noState)).toThrow(expect.objectContaining({ code: 'record_invalid' }))
  // A time beyond the calendar shows only when the line has begun: 2^51 on the wire, made larger there.
  const timeless = input('TrafficMessage', message({ time: 2 ** 51 }))
  const place = timeless.value.indexOf(Buffer.from('8080808080808008', 'hex'))
  timeless.value[place + 7] = 0x7f
  expect(() => log.apply(timeless, noState)).toThrow(expect.objectContaining({ code: 'record_invalid' }))
  log.apply(good, noState)
  await log.flush(noState, true)
  await log.close()
  expect(lines()).toHaveLength(1)
})

test('records of another schema version give the same line', async () => {
  const older = structuredClone(new TopicCodec('traffic').schema) as unknown as {
    fields: { type: { fields: { name: string }[] } }[]
  }[]
  const fields = older[0]?.fields[2]?.type as { fields: { name: string }[] }
  fields.fields = fields.fields.filter((field) => field.name !== 'bodyError')
  const reader = new TopicCodec('traffic', older as never)
  expect(reader.isCurrent('TrafficMessage')).toBe(false)
  const log = await httpLog.open(path, null, settings)
  const current = input('TrafficMessage', message())
  // What the older writer wrote: as now, but without the one byte of the null bodyError before `raw`.
  const rawLength = message().message.raw.length
  const cut = current.value.length - rawLength - 3
  const value = Buffer.concat([current.value.subarray(0, cut), current.value.subarray(cut + 1)])
  log.apply({ ...current, value, codec: reader as never }, noState)
  log.apply(current, noState)
  await log.flush(noState, true)
  await log.close()
  const [one, other] = lines()
  expect(one).toEqual(other)
})

test('a connection line reads as in the first contract', async () => {
  const log = await httpLog.open(path, null, settings)
  log.apply(input('TrafficConnection', classified()), noState)
  await log.flush(noState, true)
  await log.close()
  const [line] = lines()
  expect(Object.entries(line as object).slice(0, 14)).toEqual(
    Object.entries({
      timestamp: '2024-04-08T18:24:10.123456789Z',
      event_type: 'connection',
      pid: 1234,
      comm: 'traffic-generat',
      cmdline: '/bin/traffic-generator',
      direction: 'send',
      source_ip: '10.4.2.60',
      source_port: 38338,
      dest_ip: '10.4.2.59',
      dest_port: 5432,
      protocol: 'postgres',
      category: 'database',
      confidence: 90,
      detection_reason: 'port 5432, valid Postgres startup/SSLRequest header',
    }),
  )
  expect(line).toMatchObject({
    destination_type: 'container',
    source_service: 'productpage',
    destination_service: 'reviews',
    id: '0011223344556677-c1234-1712600650123456',
    connection_id: '0011223344556677',
    transport: 'tcp',
    joined_late: false,
  })
})

test('the accepting process of a connection receives; protocols outside the nine are written, unknown ones are not', async () => {
  const log = await httpLog.open(path, null, settings)
  log.apply(input('TrafficConnection', classified({ role: 'server' })), noState)
  log.apply(
    input('TrafficConnection', classified({ protocol: 'tls', category: 'other', serverName: 'a.test' })),
    noState,
  )
  log.apply(input('TrafficConnection', classified({ protocol: null, category: null })), noState)
  log.apply(input('TrafficConnection', classified({ protocol: 'dns', category: 'other' })), noState)
  await log.flush(noState, true)
  await log.close()
  expect(lines()).toMatchObject([
    { direction: 'recv', source_ip: '10.4.2.60', source_service: 'productpage' },
    { direction: 'send', protocol: 'tls', category: 'other', server_name: 'a.test' },
  ])
  expect(lines()).toHaveLength(2)
})

test('ends of connections and watermarks write nothing', async () => {
  const log = await httpLog.open(path, null, settings)
  const { connection, client, server } = classified()
  const end = { ...connection, protocol: 'http1', sent: 1, received: 2, captured: 3, unseen: [] }
  log.apply(input('TrafficConnectionEnd', { client, server, end }), noState)
  const watermark = { time: 1, timeNanos: 0, host: 'h', boot: Buffer.alloc(16), final: true }
  log.apply(input('Watermark', watermark), noState)
  await log.flush(noState, true)
  await log.close()
  expect(lines()).toEqual([])
})

test('a path that cannot be written is named', async () => {
  const missing = join(folder, 'none', 'out.log')
  await expect(httpLog.open(missing, null, settings)).rejects.toMatchObject({
    code: 'target_unwritable',
    message: expect.stringContaining(missing),
  })
})
