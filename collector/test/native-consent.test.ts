import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { CaptureOptions, ProcessSeenEvent } from '../src/native.js'
import { buildNative, CaptureSession, hooksHere } from './native/capture-session.js'
import { pattern, run, tcpEcho } from './native/echo-peer.js'
import { fixtureProgram } from './native/fixture-program.js'

buildNative()
const program = fixtureProgram('socket-calls')
const size = 700

/** Strings of an environment, each ended by NUL. */
function block(...strings: (string | Buffer)[]): Buffer {
  return Buffer.concat(strings.flatMap((string) => [Buffer.from(string as string), Buffer.from([0])]))
}

const long = `LONG=${'x'.repeat(100_000)}`

const loops = ['bpf_loop', 'map'] as const
const ways = hooksHere().flatMap((hook) => loops.map((loop) => ({ hook, loop })))

describe.each<Pick<CaptureOptions, 'hook' | 'loop'>>(ways)('$hook, $loop', (options) => {
  let session: CaptureSession
  let peer: { port: number; close(): void }
  beforeAll(async () => {
    session = new CaptureSession(options)
    peer = await tcpEcho(4, size)
  })
  afterAll(async () => {
    peer.close()
    await session.close()
  })

  const client = () => ['client', '4', `${peer.port}`, 'read', `${size}`]
  const seen = (pid: number) =>
    session.processes.filter((event): event is ProcessSeenEvent => event.kind === 'seen' && event.pid === pid)

  /** Runs a client whose environment is exactly `environment`. */
  async function runWith(environment: Buffer, words = client()): Promise<number> {
    const { pid } = await run(program, ['env', program, ...words], {}, environment)
    await session.flush()
    return pid
  }

  function expectObserved(pid: number, environment: Buffer, profile: string, name: string | null = null) {
    const events = seen(pid)
    expect(events).toHaveLength(1)
    const [event] = events as [ProcessSeenEvent]
    expect(event).toMatchObject({ reason: 'exec', profile, profileName: name, environmentError: null })
    expect(event.comm).toBe('socket-calls')
    expect(event.cmdline?.toString()).toBe([program, ...client()].map((word) => `${word}\0`).join(''))
    expect(event.environment?.equals(environment)).toBe(true)
    expect(session.stream(pid, 'send').equals(pattern(size))).toBe(true)
    expect(session.stream(pid, 'recv').equals(pattern(size))).toBe(true)
    const [exited] = session.processes.filter((other) => other.kind === 'exited' && other.pid === pid)
    expect(exited).toMatchObject({ reason: 'exit', processStart: event.processStart })
  }

  function expectUnseen(pid: number) {
    expect(session.processes.filter((event) => event.pid === pid)).toEqual([])
    expect(session.ofProcess(pid)).toEqual([])
    expect(session.opened.filter((record) => record.pid === pid)).toEqual([])
  }

  it.each<[string, Buffer, string, (string | null)?]>([
    ['a value', block('A=b', 'ADI_PROFILE=local', 'Z=1'), 'local'],
    [
      'a value with spaces and a name',
      block('ADI_PROFILE=my own  place ', 'ADI_PROFILE_NAME=a b'),
      'my own  place ',
      'a b',
    ],
    ['an empty value', block('ADI_PROFILE='), ''],
    ['ADI_PROFILE_DISABLED=0', block('ADI_PROFILE_DISABLED=0', 'ADI_PROFILE=x'), 'x'],
    ['an empty ADI_PROFILE_DISABLED', block('ADI_PROFILE_DISABLED=', 'ADI_PROFILE=x'), 'x'],
    ['ADI_PROFILE_DISABLED=11', block('ADI_PROFILE_DISABLED=11', 'ADI_PROFILE=x'), 'x'],
    [
      'ADI_PROFILE_DISABLED=0 before =1',
      block('ADI_PROFILE_DISABLED=0', 'ADI_PROFILE_DISABLED=1', 'ADI_PROFILE=x'),
      'x',
    ],
    ['the first of two values', block('ADI_PROFILE=one', 'ADI_PROFILE=two'), 'one'],
    ['a 100 KB variable before it', block(long, 'ADI_PROFILE=local', 'AFTER=1'), 'local'],
    [
      'a 100 KB variable whose text looks like it',
      block(`L=${'ADI_PROFILE=no '.repeat(7000)}`, 'ADI_PROFILE=yes'),
      'yes',
    ],
    ['a string as long as the scanner buffer', block('B='.padEnd(4095, 'b'), 'ADI_PROFILE=local'), 'local'],
    ['a string one shorter', block('B='.padEnd(4094, 'b'), 'ADI_PROFILE=local'), 'local'],
    ['a string one longer', block('B='.padEnd(4096, 'b'), 'ADI_PROFILE=local'), 'local'],
    ['a value of 1,000 bytes', block(`ADI_PROFILE=${'v'.repeat(1000)}`), 'v'.repeat(1000)],
    ['bytes that are not UTF-8', block(Buffer.from([0x58, 0x3d, 0xff, 0xfe]), 'ADI_PROFILE=local'), 'local'],
    [
      '1.9 MB of variables',
      block(...Array.from({ length: 19 }, (_, n) => `V${n}=${'y'.repeat(100_000)}`), 'ADI_PROFILE=local'),
      'local',
    ],
    [
      '20,000 variables',
      block(...Array.from({ length: 20_000 }, (_, n) => `V${n}=${n}`), 'ADI_PROFILE=local'),
      'local',
    ],
  ])('observes: %s', async (_what, environment, profile, name) => {
    expectObserved(await runWith(environment), environment, profile, name ?? null)
  })

  it.each<[string, Buffer]>([
    ['nothing', block('A=b')],
    ['an empty environment', block()],
    ['ADI_PROFILE_DISABLED=1', block('ADI_PROFILE=local', 'ADI_PROFILE_DISABLED=1')],
    ['ADI_PROFILE_DISABLED=1 before =0', block('ADI_PROFILE=x', 'ADI_PROFILE_DISABLED=1', 'ADI_PROFILE_DISABLED=0')],
    ['a name without =', block('ADI_PROFILE')],
    ['a longer name', block('ADI_PROFILES=local', 'XADI_PROFILE=local', 'ADI_PROFILE_NAME=x')],
    ['another case', block('adi_profile=local')],
    ['the text where the scanner goes on inside a long string', block(`${'X='.padEnd(4095, 'x')}ADI_PROFILE=local`)],
    ['the text inside another value', block('X=ADI_PROFILE=local', long + 'ADI_PROFILE=local')],
  ])('leaves alone: %s', async (_what, environment) => {
    expectUnseen(await runWith(environment))
  })

  it('threads share their process', async () => {
    const environment = block('ADI_PROFILE=local')
    const { pid } = await run(program, ['thread', ...client()], { ADI_PROFILE: 'local' })
    await session.flush()
    expect(seen(pid)).toMatchObject([{ reason: 'exec', environment }])
    expect(session.stream(pid, 'send').equals(pattern(size))).toBe(true)
  })

  it('fork inherits, without exec and through a child that does nothing itself', async () => {
    const { pid: parent } = await run(program, ['fork', 'fork', ...client()], {
      ADI_PROFILE: 'local',
      ADI_PROFILE_NAME: 'n',
    })
    await session.flush()
    const forked = session.processes.filter(
      (event): event is ProcessSeenEvent =>
        event.kind === 'seen' && event.reason === 'fork' && event.time >= (seen(parent)[0]?.time ?? 0),
    )
    expect(forked).toHaveLength(1)
    const [child] = forked as [ProcessSeenEvent]
    expect(child).toMatchObject({ profile: 'local', profileName: 'n', comm: 'socket-calls', environmentError: null })
    expect(child.environment?.equals(seen(parent)[0]?.environment as Buffer)).toBe(true)
    expect(child.cmdline?.equals(seen(parent)[0]?.cmdline as Buffer)).toBe(true)
    expect(session.stream(child.pid, 'send').equals(pattern(size))).toBe(true)
    expect(session.ofProcess(child.pid)[0]?.processStart).toBe(child.processStart)
  })

  it('exec without the variable ends consent', async () => {
    const { pid } = await run(program, ['bare', program, ...client()], { ADI_PROFILE: 'local' })
    await session.flush()
    expect(session.processes.filter((event) => event.pid === pid)).toMatchObject([
      { kind: 'seen', reason: 'exec' },
      { kind: 'exited', reason: 'opted_out' },
    ])
    expect(session.ofProcess(pid)).toEqual([])
  })

  it('exec with another value decides anew', async () => {
    const environment = block('ADI_PROFILE=second')
    const { pid } = await run(program, ['env', program, ...client()], { ADI_PROFILE: 'first' }, environment)
    await session.flush()
    expect(seen(pid)).toMatchObject([{ profile: 'first' }, { profile: 'second' }])
    expect(session.stream(pid, 'recv').equals(pattern(size))).toBe(true)
  })

  it('nothing of those that did not opt in comes out', async () => {
    const secret = randomBytes(12).toString('hex')
    await runWith(block(`SECRET=${secret}`, 'ADI_PROFILE_DISABLED=1', 'ADI_PROFILE=local'))
    await runWith(block(`SECRET=${secret}`))
    await run(program, ['bare', program, 'fork', ...client()], { ADI_PROFILE: 'local' })
    await run(
      '/bin/bash',
      ['--norc', '-c', `echo ${secret} > /dev/tcp/127.0.0.1/${peer.port} || exec /bin/true ${secret}`],
      {},
    )
    await session.flush()
    for (const piece of session.raw) expect(piece.includes(secret)).toBe(false)
  })
})

describe('a list of allowed values', () => {
  let session: CaptureSession
  beforeAll(() => {
    session = new CaptureSession({ allowedProfiles: ['local', 'with space', 'x'.repeat(254)] })
  })
  afterAll(() => session.close())

  it.each([
    ['local', true],
    ['with space', true],
    ['x'.repeat(254), true],
    ['x'.repeat(255), false],
    ['x'.repeat(300), false],
    ['prod', false],
    ['loca', false],
    ['local2', false],
    ['', false],
  ])('%s: %s', async (value, observed) => {
    const { pid } = await run('/bin/true', [], { ADI_PROFILE: value })
    await session.flush()
    expect(session.processes.filter((event) => event.pid === pid && event.kind === 'seen')).toHaveLength(
      observed ? 1 : 0,
    )
  })
})

describe('short processes', () => {
  it('100 of 100 are whole, also when many run at once', async () => {
    const session = new CaptureSession()
    const peer = await tcpEcho(4, size)
    const pids: number[] = []
    for (let round = 0; round < 10; round++) {
      const started = Array.from({ length: 10 }, (_, n) =>
        run(program, ['client', '4', `${peer.port}`, 'read', `${size}`], { ADI_PROFILE: 'local', N: `${round}-${n}` }),
      )
      for (const { pid } of await Promise.all(started)) pids.push(pid)
    }
    peer.close()
    await session.flush()
    const environments = new Set<string>()
    for (const pid of pids) {
      expect(session.stream(pid, 'send').equals(pattern(size))).toBe(true)
      expect(session.stream(pid, 'recv').equals(pattern(size))).toBe(true)
      const kinds = session.processes.filter((event) => event.pid === pid)
      expect(kinds.map((event) => event.kind)).toEqual(['seen', 'exited'])
      environments.add(String((kinds[0] as ProcessSeenEvent).environment))
    }
    expect(environments.size).toBe(100)
    expect(session.losses).toEqual([])
    await session.close()
  })
})
