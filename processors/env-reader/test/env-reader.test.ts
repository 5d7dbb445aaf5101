import type { Environment, ProcessExited, ProcessSeen } from '@syscribe/schemas'
import { expect, test } from 'vitest'
import { type Given, type GivenWatermark, runProcessor } from '../../../runtime/test/run-processor.js'
import { envReader } from '../src/index.js'

const host = { host: 'h', boot: Buffer.alloc(16, 1) }

function seen(at: number, change: Partial<ProcessSeen> & { program?: string } = {}): Given {
  const { program = 'server', ...fields } = change
  const value: ProcessSeen = {
    ...host,
    pid: 10,
    processStart: 1000,
    time: at * 1000,
    timeNanos: 5,
    reason: 'exec',
    parentPid: 1,
    comm: program,
    cmdline: Buffer.from(`${program}\0`),
    cgroup: '',
    profile: 'local',
    profileName: null,
    environment: Buffer.from('A=1\0'),
    environmentError: null,
    hosts: [],
    ...fields,
  }
  return { at, topic: 'processes', kind: 'ProcessSeen', value }
}
function exited(at: number, change: Partial<ProcessExited> = {}): Given {
  const value: ProcessExited = { ...host, pid: 10, processStart: 1000, time: at * 1000, timeNanos: 0, ...change }
  return { at, topic: 'processes', kind: 'ProcessExited', value }
}
const watermark = (at: number, final = false): GivenWatermark => ({ at, final })

/** What was written: timestamp and command line. The same must come out when the state is restored at every step. */
function written(...given: (Given | GivenWatermark)[]): string[] {
  const whole = runProcessor(envReader, given)
  expect(runProcessor(envReader, given, { restart: true }).emitted).toEqual(whole.emitted)
  return whole.emitted.map(({ timestamp, record }) => `${timestamp} ${(record.value as Environment).cmdline}`)
}

test('a process is written when it has settled', () => {
  expect(written(seen(1000), watermark(1499))).toEqual([])
  expect(written(seen(1000), watermark(1500))).toEqual(['1500 server'])
  expect(written(seen(1000), watermark(9000), watermark(9999))).toEqual(['1500 server'])
})

test('the record holds all that was read', () => {
  const { emitted } = runProcessor(envReader, [
    seen(1000, { profileName: 'name', environment: Buffer.from('A=1\0B=\xff\0', 'latin1') }),
    watermark(2000),
  ])
  expect(emitted).toEqual([
    {
      timestamp: 1500,
      key: `h/${'01'.repeat(16)}/10/1000/1000000.005`,
      record: {
        kind: 'Environment',
        value: {
          process: { ...host, pid: 10, processStart: 1000 },
          time: 1_000_000,
          timeNanos: 5,
          comm: 'server',
          cmdline: 'server',
          profile: 'local',
          profileName: 'name',
          variables: [
            { name: 'A', value: '1' },
            { name: 'B', value: '\ufffd' },
          ],
          invalidUtf8: ['B'],
          error: null,
        },
      },
    },
  ])
})

test('programs that start others in the same process are not written, the last one is', () => {
  const shell = seen(1000, { program: 'sh -c run' })
  expect(written(shell, seen(1010, { program: 'entrypoint' }), seen(1499), watermark(1999))).toEqual(['1500 server'])
})

test('a program executed later is written too, the same one again is not', () => {
  const later = seen(1500, { program: 'other' })
  expect(written(seen(1000), later, watermark(3000))).toEqual(['1500 server', '2000 other'])
  expect(written(seen(1000), seen(1500), watermark(3000))).toEqual(['1500 server'])
  const environment = Buffer.from('A=2\0')
  expect(written(seen(1000), seen(1500, { environment }), watermark(3000))).toEqual(['1500 server', '2000 server'])
})

test('an exit writes at once and forgets', () => {
  expect(written(seen(1000), exited(1003))).toEqual(['1003 server'])
  const { state } = runProcessor(envReader, [
    seen(1000),
    exited(1003),
    seen(1004, { pid: 11 }),
    exited(2004, { pid: 11 }),
  ])
  expect(state.size).toBe(0)
})

test('the exit of an earlier process with this pid changes nothing', () => {
  expect(written(seen(1000, { processStart: 2000 }), exited(1003), watermark(1004))).toEqual([])
})

test('a re-used pid is a new process, also when the exit was not seen', () => {
  const again = seen(1100, { processStart: 2000 })
  expect(written(seen(1000), again, watermark(3000))).toEqual(['1100 server', '1600 server'])
  expect(runProcessor(envReader, [seen(1000), again]).state.size).toBe(1)
})

test('the end of capture writes what waits; what comes after a restart is not written again', () => {
  const rescan = seen(60_000, { reason: 'adopted', program: 'title set by the program' })
  expect(written(seen(1000), watermark(1001, true), rescan, watermark(70_000, true))).toEqual(['1001 server'])
})

test('the end of capture may be stated as before the last records', () => {
  expect(written(seen(1000), watermark(999, true))).toEqual(['1000 server'])
})

test('a process found by a scan is written once', () => {
  const adopted = (at: number) => seen(at, { reason: 'adopted' })
  expect(written(adopted(1000), adopted(1200), watermark(1600), adopted(5000), watermark(6000))).toEqual([
    '1500 server',
  ])
})

test('a record given twice counts once', () => {
  const value = seen(1000).value
  expect(written(seen(1000), { ...seen(1700), value }, watermark(3000))).toEqual(['1500 server'])
})

test('a forked process that executes a program is written as that program', () => {
  expect(written(seen(1000, { reason: 'fork', program: 'parent' }), seen(1400), watermark(1600))).toEqual([
    '1500 server',
  ])
})

test('several processes are written in the order in which they settle', () => {
  const given = [
    seen(1000, { pid: 12, program: 'c' }),
    seen(1000, { pid: 11, program: 'b' }),
    seen(1001, { pid: 10, program: 'a' }),
    seen(1490, { pid: 12, program: 'c2' }),
    exited(1501, { pid: 10 }),
  ]
  expect(written(...given)).toEqual(['1500 c2', '1500 b', '1501 a'])
})

test('what could not be read is said, and what was cut', () => {
  const failed = seen(1000, { environment: null, environmentError: 'open: no such file' })
  const cut = seen(1000, { pid: 11, environment: Buffer.from('A=1\0B'), environmentError: 'cut at 4 bytes' })
  const silent = seen(1000, { pid: 12, environment: null })
  const { emitted } = runProcessor(envReader, [failed, cut, silent, watermark(2000)])
  expect(emitted.map(({ record }) => record.value)).toMatchObject([
    { error: 'open: no such file', variables: [] },
    { error: 'cut at 4 bytes', variables: [{ name: 'A', value: '1' }] },
    { error: expect.stringContaining('could not be read'), variables: [] },
  ])
})

test('after a restart of the host its earlier processes are forgotten', () => {
  const given = [seen(1000), seen(1001, { pid: 11 }), watermark(1600), seen(99_000, { boot: Buffer.alloc(16, 2) })]
  expect(runProcessor(envReader, given).state.size).toBe(1)
  expect(runProcessor(envReader, given, { restart: true }).state.size).toBe(1)
  const other = seen(99_000, { host: 'h2', boot: Buffer.alloc(16, 2) })
  expect(runProcessor(envReader, [seen(1000), other]).state.size).toBe(2)
})
