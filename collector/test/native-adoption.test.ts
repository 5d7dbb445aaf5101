import { afterEach, describe, expect, it } from 'vitest'
import { buildNative, CaptureSession, hooksHere } from './native/capture-session.js'
import { type Family, loopbackBytes } from './native/echo-peer.js'
import { HeldConnection, startOf } from './native/held-connection.js'

buildNative()
const optedIn = { ADI_PROFILE: 'local' }

const families: Family[] = [4, 6]
const cases = hooksHere().flatMap((hook) => families.map((family) => [hook, family] as const))

describe.each(cases)('hook %s, IPv%i', (hook, family) => {
  let session: CaptureSession | undefined
  let held: HeldConnection | undefined
  afterEach(async () => {
    await held?.end()
    await session?.close()
    held = undefined
    session = undefined
  })

  async function adopt(commandsBefore: string): Promise<[CaptureSession, HeldConnection]> {
    held = await HeldConnection.open(family, optedIn)
    await held.tell(commandsBefore)
    session = new CaptureSession({ hook })
    expect(session.capture.adoptProcess(held.adopted(session.capture.now()))).toBe(true)
    return [session, held]
  }

  it('announces both ends of an open connection, with role, addresses and positions', async () => {
    const [session, held] = await adopt('ccs')
    expect(session.capture.announceOpenConnections()).toBeGreaterThanOrEqual(2)
    await session.flush()
    const mine = session.opened.filter((record) => record.pid === held.pid)
    const client = mine.find((record) => record.role === 'client')
    const server = mine.find((record) => record.role === 'server')
    expect(mine).toHaveLength(2)
    expect(client).toMatchObject({ joinedLate: true, sendPosition: 2000, receivePosition: 1000, remotePort: held.port })
    expect(server).toMatchObject({ joinedLate: true, sendPosition: 1000, receivePosition: 2000, localPort: held.port })
    expect(client?.connection).toEqual(server?.connection)
    expect(client?.localAddress).toEqual(loopbackBytes[family])
    expect(client?.processStart).toBe(startOf(held.pid))
    expect(session.capture.announceOpenConnections()).toBe(0)
  })

  it('goes on where the streams stand, and tells their end', async () => {
    const [session, held] = await adopt('ccs')
    session.capture.announceOpenConnections()
    await held.tell('csf')
    await session.flush()
    const place = (direction: string, role: string) =>
      session
        .ofProcess(held.pid)
        .filter((io) => io.direction === direction && io.role === role)
        .map((io) => [io.position, io.length, io.payload.length])
    expect(place('send', 'client')).toEqual([[2000, 1000, 1000]])
    expect(place('recv', 'server')).toEqual([[2000, 1000, 1000]])
    expect(place('send', 'server')).toEqual([[1000, 1000, 1000]])
    expect(place('recv', 'client')).toEqual([[1000, 1000, 1000]])
    const closed = session.closed.filter((record) => record.pid === held.pid)
    expect(closed.map((record) => [record.sent, record.received]).sort()).toEqual([
      [2000, 3000],
      [3000, 2000],
    ])
  })

  it('is as exact without the announcement, at first use', async () => {
    const [session, held] = await adopt('ccs')
    await held.tell('sc')
    await session.flush()
    const mine = session.opened.filter((record) => record.pid === held.pid)
    expect(
      mine.map((record) => [record.role, record.sendPosition, record.receivePosition, record.joinedLate]).sort(),
    ).toEqual([
      ['client', 2000, 1000, true],
      ['server', 1000, 2000, true],
    ])
  })

  it('a connection no byte has passed yet was not joined late', async () => {
    const [session, held] = await adopt('')
    session.capture.announceOpenConnections()
    await held.tell('c')
    await session.flush()
    const mine = session.opened.filter((record) => record.pid === held.pid)
    expect(mine.map((record) => [record.role, record.joinedLate]).sort()).toEqual([
      ['client', false],
      ['server', false],
    ])
  })

  it('a half-closed connection keeps role and positions', async () => {
    const [session, held] = await adopt('csh')
    session.capture.announceOpenConnections()
    await held.tell('s')
    await session.flush()
    const mine = session.opened.filter((record) => record.pid === held.pid)
    expect(mine.map((record) => [record.role, record.sendPosition, record.receivePosition]).sort()).toEqual([
      ['client', 1000, 1000],
      ['server', 1000, 1000],
    ])
    const ids = new Set(mine.map((record) => record.connection.toString('hex')))
    expect(ids.size).toBe(1)
  })

  it('a descriptor used again for a file is no socket', async () => {
    session = new CaptureSession({ hook })
    held = await HeldConnection.open(family, optedIn)
    const { pid } = held
    await held.tell('cf')
    await session.flush()
    for (const io of session.ofProcess(pid)) expect(io.payload.includes('file content')).toBe(false)
    expect(session.ofProcess(pid).map((io) => io.length)).toEqual([1000, 1000])
  })

  it('a socket whose process did not opt in leaves nothing', async () => {
    held = await HeldConnection.open(family, {})
    session = new CaptureSession({ hook })
    session.capture.announceOpenConnections()
    await held.tell('cs')
    await session.flush()
    const { pid } = held
    expect(session.opened.filter((record) => record.pid === pid)).toEqual([])
    expect(session.ofProcess(pid)).toEqual([])
  })
})

describe('adoptProcess', () => {
  it('refuses what the kernel knows better', async () => {
    const session = new CaptureSession()
    const before = session.capture.now()
    const observed = await HeldConnection.open(4, optedIn)
    const other = await HeldConnection.open(4, {})
    const { capture } = session
    // Observed since its exec; executed a program after the scan; another process by now; ourselves.
    expect(capture.adoptProcess(observed.adopted(before))).toBe(false)
    expect(capture.adoptProcess(other.adopted(before))).toBe(false)
    expect(capture.adoptProcess({ ...other.adopted(capture.now()), processStart: 1 })).toBe(false)
    const self = { ...other.adopted(capture.now()), pid: process.pid, processStart: startOf(process.pid) }
    expect(capture.adoptProcess(self)).toBe(false)
    await other.tell('c')
    await session.flush()
    expect(session.ofProcess(other.pid)).toEqual([])
    expect(session.ofProcess(process.pid)).toEqual([])
    expect(capture.adoptProcess(other.adopted(capture.now()))).toBe(true)
    await other.tell('c')
    await session.flush()
    expect(session.ofProcess(other.pid)).toHaveLength(2)
    await observed.end()
    await other.end()
    await session.close()
  })

  it('hands the environment on to what the process forks', async () => {
    const session = new CaptureSession()
    const shell = await import('node:child_process').then(({ spawn }) =>
      spawn('/bin/bash', ['--norc', '-c', 'read line; (exec 3<>/dev/tcp/127.0.0.1/$line; echo hello >&3); exit 0'], {
        env: { LATE: '1' },
        stdio: ['pipe', 'inherit', 'inherit'],
      }),
    )
    const net = await import('node:net')
    const server = net.createServer((socket) => socket.resume()).listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    await new Promise((resolve) => setTimeout(resolve, 100))
    const pid = shell.pid as number
    const adopted = session.capture.adoptProcess({
      pid,
      processStart: startOf(pid),
      readAt: session.capture.now(),
      profile: 'adopted',
      profileName: 'shell',
      environment: Buffer.from('ADI_PROFILE=adopted\0'),
      environmentError: null,
    })
    expect(adopted).toBe(true)
    const ended = new Promise((resolve) => shell.once('close', resolve))
    shell.stdin.end(`${(server.address() as import('node:net').AddressInfo).port}\n`)
    await ended
    await session.flush()
    server.close()
    const forked = session.processes.filter((event) => event.kind === 'seen' && event.parentPid === pid)
    expect(forked).toMatchObject([
      { reason: 'fork', profile: 'adopted', profileName: 'shell', environment: Buffer.from('ADI_PROFILE=adopted\0') },
    ])
    await session.close()
  })
})
