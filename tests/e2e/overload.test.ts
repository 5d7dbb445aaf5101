import { Agent, request } from 'node:http'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { endings } from '../harness/at-end.js'
import { residentBytes } from '../harness/memory.js'
import { programs, type Server, startServer } from '../harness/program.js'
import { recordsOf } from '../harness/records.js'
import { SmallDisk, StallingDisk } from '../harness/small-disk.js'
import { type Line, Outputs, Syscribe } from '../harness/syscribe.js'

// More than the log can take: what is lost is counted, said in log and outputs, and memory stays bounded; afterwards
// all goes on.

const profile = `overload-${process.pid}`
const atEnd = endings()
const megabyte = 1024 * 1024
/** The least queue that can be set. */
const queueBytes = megabyte
/** What waits besides the queue: a delivery of 16 MiB and its copy in a commit, and the heaps of two threads. */
const allowance = 160 * megabyte

/** A profiled echo server. */
async function startEcho(): Promise<Server> {
  const echo = await startServer((port) => ({
    command: process.execPath,
    args: [`${programs}server.mjs`, `${port}`],
    env: { ADI_PROFILE: profile, ADI_PROFILE_NAME: 'echo' },
  }))
  atEnd(echo.stop)
  return echo
}

function newOutputs(): Outputs {
  const outputs = new Outputs()
  atEnd(() => outputs.remove())
  return outputs
}

async function start(env: Record<string, string>, outputs: Outputs): Promise<Syscribe> {
  const syscribe = await Syscribe.start({ ADI_PROFILE_ALLOWED: profile, ...outputs.environment, ...env }, outputs)
  atEnd(() => syscribe.child.kill('SIGKILL'))
  return syscribe
}

const agent = new Agent({ keepAlive: true, maxSockets: 1 })

/** One exchange on the one kept connection; returns when the same body has come back. */
function exchange(port: number, path: string, body: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, method: 'POST', path, agent }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk) => chunks.push(chunk))
      response.on('end', () => (`${Buffer.concat(chunks)}` === body ? resolve() : reject(new Error('another body'))))
    })
    sent.on('error', reject).end(body)
  })
}

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
  const outputs = newOutputs()
  const disk = new SmallDisk(outputs.dataDir, 24)
  atEnd(() => disk.remove())
  const echo = await startEcho()
  const syscribe = await start({ SYSCRIBE_QUEUE_BYTES: `${queueBytes}`, SYSCRIBE_RING_BYTES: '1M' }, outputs)
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
  const outputs = newOutputs()
  const disk = new StallingDisk(outputs.directory, 512)
  atEnd(() => disk.remove())
  const echo = await startEcho()
  const dataDir = join(disk.path, 'data')
  const syscribe = await start(
    { SYSCRIBE_QUEUE_BYTES: `${queueBytes}`, SYSCRIBE_RING_BYTES: '1M', SYSCRIBE_DATA_DIR: dataDir },
    outputs,
  )
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
  const outputs = newOutputs()
  const echo = await startEcho()
  const syscribe = await start({ SYSCRIBE_RING_BYTES: '64K' }, outputs)
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
