import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildNative, CaptureSession, hooksHere } from './native/capture-session.js'
import {
  ended,
  type Family,
  loopbackBytes,
  pattern,
  portOf,
  run,
  start,
  tcpEcho,
  tcpExchange,
  udpEcho,
} from './native/echo-peer.js'
import { fixtureProgram } from './native/fixture-program.js'

buildNative()
const program = fixtureProgram('socket-calls')
const optedIn = { ADI_PROFILE: 'local' }
const size = 5000

/** Calls that carry the bytes in user memory, by their receiving half; with the peers' names in native/socket-calls.c. */
const calls = ['read', 'readv', 'recvfrom', 'recvmsg', 'recvmmsg', 'preadv2', 'peek']
if (process.arch === 'arm64') calls.push('tagged')
const families: Family[] = [4, 6]

describe.each(hooksHere())('hook %s', (hook) => {
  let session: CaptureSession
  beforeAll(() => {
    session = new CaptureSession({ hook })
  })
  afterAll(() => session.close())

  function expectWhole(pid: number, role: 'client' | 'server', family: Family, port: number, bytes: number) {
    expect(session.stream(pid, 'send').equals(pattern(bytes))).toBe(true)
    expect(session.stream(pid, 'recv').equals(pattern(bytes))).toBe(true)
    const [opened, ...others] = session.opened.filter((record) => record.pid === pid)
    expect(others).toEqual([])
    expect(opened).toMatchObject({ role, joinedLate: false, sendPosition: 0, receivePosition: 0, transport: 'tcp' })
    const [closed] = session.closed.filter((record) => record.pid === pid)
    expect(closed).toMatchObject({ sent: bytes, received: bytes, cookie: opened?.cookie })
    expect(closed?.connection).toEqual(opened?.connection)
    for (const record of session.ofProcess(pid)) {
      expect(record).toMatchObject({ role, joinedLate: false, missing: 'none', host: 'test-host', layer: 'socket' })
      expect(record.connection).toEqual(opened?.connection)
      expect(record.localAddress).toEqual(loopbackBytes[family])
      expect(record.remoteAddress).toEqual(loopbackBytes[family])
      expect(role === 'client' ? record.remotePort : record.localPort).toBe(port)
      expect(record.processStart).toBe(session.processes.find((event) => event.pid === pid)?.processStart)
    }
  }

  describe.each(families)('IPv%i', (family) => {
    it.each(calls)('client: %s and its counterpart', async (call) => {
      const peer = await tcpEcho(family, size)
      const { pid } = await run(program, ['client', `${family}`, `${peer.port}`, call, `${size}`], optedIn)
      peer.close()
      await session.flush()
      expectWhole(pid, 'client', family, peer.port, size)
    })

    it.each(calls)('server: %s and its counterpart', async (call) => {
      const child = start(program, ['server', `${family}`, '0', call, `${size}`], optedIn)
      const port = await portOf(child)
      const done = ended(child)
      const back = await tcpExchange(family, port, size)
      const { pid } = await done
      expect(back.equals(pattern(size))).toBe(true)
      await session.flush()
      expectWhole(pid, 'server', family, port, size)
    })

    it.each(['recvfrom', 'recvmsg', 'recvmmsg', 'recvfrom+', 'read+'])('UDP: %s', async (call) => {
      const peer = await udpEcho(family)
      const { pid } = await run(program, ['udp', `${family}`, `${peer.port}`, call, '600'], optedIn)
      peer.close()
      await session.flush()
      const records = session.ofProcess(pid)
      expect(session.stream(pid, 'send').equals(pattern(600))).toBe(true)
      expect(session.stream(pid, 'recv').equals(pattern(600))).toBe(true)
      for (const record of records) {
        expect(record).toMatchObject({ transport: 'udp', role: 'client', remotePort: peer.port })
        expect(record.remoteAddress).toEqual(loopbackBytes[family])
        expect(record.connection).toEqual(records[0]?.connection)
      }
      expect(session.opened.filter((record) => record.pid === pid)).toHaveLength(1)
    })
  })

  it.each(['sendfile', 'splice'])('%s is counted, though its bytes lie in no user memory', async (call) => {
    const peer = await tcpEcho(4, size)
    const { pid } = await run(program, ['client', '4', `${peer.port}`, call, `${size}`], optedIn)
    peer.close()
    await session.flush()
    const sent = session.ofProcess(pid).filter((record) => record.direction === 'send')
    let position = 0
    for (const record of sent) {
      expect(record).toMatchObject({ position, missing: 'no_user_buffer' })
      expect(record.payload).toHaveLength(0)
      position += record.length
    }
    expect(position).toBe(size)
    // Before Linux 6.5 the kernel sends page by page.
    if (hook !== 'function') expect(sent).toHaveLength(1)
    expect(session.stream(pid, 'recv').equals(pattern(size))).toBe(true)
  })

  // Programs of 32 bit are known on x86 only.
  const unseen = process.arch === 'x64' ? (['io_uring', 'compat'] as const) : (['io_uring'] as const)
  it.each(unseen)('%s: every length and position, no byte', async (call) => {
    const peer = await tcpEcho(4, size)
    const { pid } = await run(program, ['client', '4', `${peer.port}`, call, `${size}`], optedIn)
    peer.close()
    await session.flush()
    const records = session.ofProcess(pid)
    for (const direction of ['send', 'recv'] as const) {
      let position = 0
      for (const record of records.filter((each) => each.direction === direction)) {
        expect(record).toMatchObject({ position, missing: call === 'compat' ? 'other' : 'io_uring', role: 'client' })
        expect(record.payload).toHaveLength(0)
        position += record.length
      }
      // Where calls are watched, one that is none of the list shows only in what the socket says when it is closed.
      expect(position).toBe(hook === 'syscall' ? 0 : size)
    }
    expect(session.closed.find((record) => record.pid === pid)).toMatchObject({ sent: size, received: size })
  })

  it.each(calls)('3 MB by %s: every byte up to the cap, every length beyond it', async (call) => {
    const bytes = 3_000_000
    const peer = await tcpEcho(4, bytes)
    const { pid } = await run(program, ['client', '4', `${peer.port}`, call, `${bytes}`], optedIn)
    peer.close()
    await session.flush()
    const whole = pattern(bytes)
    for (const direction of ['send', 'recv'] as const) {
      let position = 0
      let kept = 0
      for (const record of session.ofProcess(pid)) {
        if (record.direction !== direction) continue
        expect(record.position).toBe(position)
        expect(record.payload.equals(whole.subarray(position, position + record.payload.length))).toBe(true)
        expect(record.missing).toBe(record.payload.length < record.length ? 'cap' : 'none')
        if (record.payload.length > 0) expect(kept).toBe(position)
        position += record.length
        kept += record.payload.length
      }
      expect(position).toBe(bytes)
      expect(kept).toBe(1 << 20)
    }
  })

  it('both ends of a connection have one id and the same positions', async () => {
    const server = start(program, ['server', '4', '0', 'read', '100000'], optedIn)
    const port = await portOf(server)
    const serverDone = ended(server)
    const client = await run(program, ['client', '4', `${port}`, 'readv', '100000'], optedIn)
    const { pid: serverPid } = await serverDone
    await session.flush()
    const ids = new Set(
      [...session.ofProcess(client.pid), ...session.ofProcess(serverPid)].map((io) => io.connection.toString('hex')),
    )
    expect(ids.size).toBe(1)
    expectWhole(client.pid, 'client', 4, port, 100000)
    expectWhole(serverPid, 'server', 4, port, 100000)
  })

  it('vouches for everything up to the watermark', () => {
    const times = session.watermarks
    for (let i = 1; i < times.length; i++) expect(times[i]).toBeGreaterThanOrEqual(times[i - 1] as number)
    expect(session.losses).toEqual([])
  })
})
