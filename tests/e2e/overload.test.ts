import { join } from 'node:path'
import { expect, test } from 'vitest'
import { exchange } from '../harness/exchange.js'
import { residentBytes } from '../harness/memory.js'
import { recordsOf } from '../harness/records.js'
import { SmallDisk, StallingDisk } from '../harness/small-disk.js'
import type { Line } from '../harness/syscribe.js'
import { TestBed } from '../harness/test-bed.js'

// More than the log can take: what is lost is counted, said in log and outputs, and memory stays bounded; afterwards
// all goes on.

const bed = new TestBed('overload')
const megabyte = 1024 * 1024
/** The least queue that can be set. */
const queueBytes = megabyte
/** What waits besides the queue: a delivery of 16 MiB and its copy in a commit, and the heaps of two threads. */
const allowance = 160 * megabyte

/** Sends `count` bodies of 64 KiB; returns the most memory the process had meanwhile, beyond what it had before. */
async function load(port: number, name: string, count: number, pid: number): Promise<number> {
  const before = residentBytes(pid)
  let most = before
  for (let n = 0; n < count; n++) {
    await exchange(port, `/${name}/${n}`, `${name} ${n} `.padEnd(64 * 1024, 'o'))
    most = Math.max(most, residentBytes(pid))
  }
  return most - before
}

/** What is named is whole, what the overload lost is said, and nothing is there twice. */
function expectHonest(lines: readonly Line[], wholes: Readonly<Record<string, number>>): void {
  for (const [name, count] of Object.entries(wholes)) {
    const whole = lines.filter(({ url, complete }) => String(url).startsWith(`/${name}/`) && complete === true)
    const urls = Array.from({ length: count }, (_, n) => `/${name}/${n}`)
    expect(whole.filter(({ direction }) => direction === 'recv').map(({ url }) => url)).toEqual(urls)
    expect(whole.filter(({ direction }) => direction === 'send').map(({ url }) => url)).toEqual(urls)
  }
  const incomplete = lines.filter(({ complete }) => complete === false)
  expect(incomplete.length).toBeGreaterThan(0)
  expect(incomplete.map(({ missing_reason }) => missing_reason)).toEqual(incomplete.map(() => 'lost'))
  for (const { missing_bytes } of incomplete) expect(missing_bytes).toBeGreaterThan(0)
  expect(new Set(lines.map(({ id }) => id)).size).toBe(lines.length)
  // The server sends back what it got: no response stands with another request than its own. (Of a message whose head
  // was lost, the end is all there is.)
  const responses = lines.filter((line) => 'status_code' in line && line.url !== undefined && line.body !== '')
  for (const { url, body } of responses) {
    const [name, n] = String(body).split(' ')
    expect(`/${name}/${n}`).toBe(url)
  }
}

async function expectCountedLosses(dataDir: string, cause: string): Promise<void> {
  const losses = await recordsOf(dataDir, 'syscalls', 'CaptureLoss')
  expect(losses.map(({ value }) => value.cause)).toContain(cause)
  for (const { value } of losses) expect(value.records).toBeGreaterThan(0)
}

test('a full disk: drops are counted and said, memory is bounded, and space brings all back', {
  timeout: 180_000,
}, async () => {
  const outputs = bed.outputs()
  const disk = new SmallDisk(outputs.dataDir, 24)
  bed.atEnd(() => disk.remove())
  const echo = await bed.echo()
  const syscribe = await bed.run({ SYSCRIBE_QUEUE_BYTES: `${queueBytes}`, SYSCRIBE_RING_BYTES: '1M' }, outputs)
  const pid = syscribe.child.pid as number
  await load(echo.port, 'before', 5, pid)
  expect(await load(echo.port, 'full', 600, pid)).toBeLessThan(allowance)
  disk.grow(512)
  await settle()
  await load(echo.port, 'after', 5, pid)
  expect(await syscribe.stop(), syscribe.stderr).toBe(0)

  expectHonest(outputs.lines(), { before: 5, after: 5 })
  await expectCountedLosses(outputs.dataDir, 'queue_full')
})

test('a disk that stalls: the same', { timeout: 180_000 }, async () => {
  const outputs = bed.outputs()
  const disk = new StallingDisk(outputs.directory, 512)
  bed.atEnd(() => disk.remove())
  const echo = await bed.echo()
  const dataDir = join(disk.path, 'data')
  const syscribe = await bed.run(
    { SYSCRIBE_QUEUE_BYTES: `${queueBytes}`, SYSCRIBE_RING_BYTES: '1M', SYSCRIBE_DATA_DIR: dataDir },
    outputs,
  )
  // What waits for a frozen disk cannot be ended.
  bed.atEnd(() => disk.goOn())
  const pid = syscribe.child.pid as number
  await load(echo.port, 'before', 5, pid)
  disk.stall()
  expect(await load(echo.port, 'stalled', 600, pid)).toBeLessThan(allowance)
  disk.goOn()
  await settle()
  await load(echo.port, 'after', 5, pid)
  expect(await syscribe.stop(), syscribe.stderr).toBe(0)

  expectHonest(outputs.lines(), { before: 5, after: 5 })
  await expectCountedLosses(dataDir, 'queue_full')
})

test('a collector that does not run for a while: the ring overflows, and says so', { timeout: 120_000 }, async () => {
  const outputs = bed.outputs()
  const echo = await bed.echo()
  const syscribe = await bed.run({ SYSCRIBE_RING_BYTES: '64K' }, outputs)
  const pid = syscribe.child.pid as number
  await load(echo.port, 'before', 5, pid)
  await settle()
  syscribe.child.kill('SIGSTOP')
  await load(echo.port, 'stopped', 50, pid)
  syscribe.child.kill('SIGCONT')
  await settle()
  for (let n = 0; n < 5; n++) await exchange(echo.port, `/after/${n}`, `after ${n}`)
  expect(await syscribe.stop(), syscribe.stderr).toBe(0)

  // A body is as large as the ring: those of before may have come through or not.
  expectHonest(outputs.lines(), { after: 5 })
  await expectCountedLosses(outputs.dataDir, 'ring_full')
})

/** Time enough for what waits to reach the log. */
function settle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 3000))
}
