import { TopicCodec } from '@syscribe/schemas'
import { describe, expect, it } from 'vitest'
import { type Loss, openCapture } from '../src/native.js'
import { boot, buildNative, CaptureSession } from './native/capture-session.js'
import { pattern, run, tcpEcho } from './native/echo-peer.js'
import { fixtureProgram } from './native/fixture-program.js'

buildNative()
const program = fixtureProgram('socket-calls')
const optedIn = { ADI_PROFILE: 'local' }

async function client(size: number, call = 'read'): Promise<number> {
  const peer = await tcpEcho(4, size)
  const { pid } = await run(program, ['client', '4', `${peer.port}`, call, `${size}`], optedIn)
  peer.close()
  return pid
}

function total(losses: Loss[], cause: string): { records: number; bytes: number } {
  const of = losses.filter((loss) => loss.cause === cause)
  return {
    records: of.reduce((sum, loss) => sum + loss.records, 0),
    bytes: of.reduce((sum, loss) => sum + loss.bytes, 0),
  }
}

describe('the cap', () => {
  it.each([0, 1, 1000, 32_768, 40_000])('of %i bytes', async (capBytes) => {
    const session = new CaptureSession({ capBytes })
    const size = 50_000
    const pid = await client(size)
    await session.flush()
    for (const direction of ['send', 'recv']) {
      const records = session.ofProcess(pid).filter((io) => io.direction === direction)
      expect(Buffer.concat(records.map((io) => io.payload)).equals(pattern(size).subarray(0, capBytes))).toBe(true)
      expect(records.reduce((sum, io) => sum + io.length, 0)).toBe(size)
    }
    await session.close()
  })
})

describe('overload', () => {
  it('what the queue does not hold is dropped, counted, and shows in the positions', async () => {
    const capture = openCapture({ host: 'h', boot, queueBytes: 1 << 20, batchBytes: 64 << 10, capBytes: 16 << 20 })
    const size = 8 << 20
    // Nobody reads meanwhile.
    const pid = await client(size)
    await new Promise((resolve) => setTimeout(resolve, 200))
    const { queuedBytes, queuedHighWaterBytes } = capture.stats()
    expect(queuedBytes).toBeGreaterThan(900_000)
    expect(queuedHighWaterBytes).toBeLessThan(1.2 * (1 << 20))
    const codec = new TopicCodec('syscalls')
    const losses: Loss[] = []
    let got = 0
    let done = false
    const flushed = capture.flush().then(() => {
      done = true
    })
    while (!done) {
      const delivery = await capture.read(50)
      losses.push(...delivery.losses)
      for (const { batch } of delivery.batches)
        for (const { value } of batch) {
          const record = codec.decode(value as Buffer)
          if (record.kind === 'SocketIo' && record.value.pid === pid) got += record.value.payload.length
        }
    }
    await flushed
    const lost = total(losses, 'queue_full')
    expect(lost.records).toBeGreaterThan(0)
    expect(got + lost.bytes + total(losses, 'ring_full').bytes).toBe(2 * size)
    expect(capture.stats().lost.find((loss) => loss.cause === 'queue_full')).toMatchObject(lost)
    // And it goes on once there is room.
    const session = new CaptureSession()
    const again = await client(1000)
    await session.flush()
    expect(session.stream(again, 'send').length).toBe(1000)
    await session.close()
    capture.close()
  })

  it('a reader that is behind learns how far each delivery goes, not only the last', async () => {
    const capture = openCapture({ host: 'h', boot, capBytes: 16 << 20 })
    // Nobody reads meanwhile. 64 MB, of which a delivery takes 16.
    for (let i = 0; i < 16; i++) {
      await client(2 << 20)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    const codec = new TopicCodec('syscalls')
    const newest: number[] = []
    while (capture.stats().queuedBytes > 0) {
      const { batches, watermark } = await capture.read(50)
      // That of the last pass of the drain thread, which may lie some records back.
      if (newest.length > 1) expect(watermark.time).toBeGreaterThan(newest.at(-2) as number)
      const records = batches.flatMap(({ batch }) => [...batch])
      newest.push(Math.max(...records.map(({ value }) => codec.decode(value as Buffer).value.time)))
    }
    expect(newest.length).toBeGreaterThan(3)
    capture.close()
  })

  it('what the ring does not hold is dropped and counted', async () => {
    // Looked at once a second only, and too small to wait that long.
    const session = new CaptureSession({ ringBytes: 64 << 10, batchMs: 1000, capBytes: 16 << 20 })
    const size = 4 << 20
    const pid = await client(size)
    await session.flush()
    const lost = total(session.losses, 'ring_full')
    const got = session.ofProcess(pid).reduce((sum, io) => sum + io.payload.length, 0)
    expect(lost.records).toBeGreaterThan(0)
    expect(got + lost.bytes).toBe(2 * size)
    const closed = session.closed.find((record) => record.pid === pid)
    if (closed !== undefined) expect(closed).toMatchObject({ sent: size, received: size })
    expect(session.capture.stats().ringHighWaterBytes).toBeGreaterThan(32 << 10)
    await session.close()
  })

  it('an environment larger than its ring is told as cut', async () => {
    const session = new CaptureSession({ processRingBytes: 64 << 10 })
    const { pid } = await run('/bin/true', [], { ADI_PROFILE: 'local', BIG: 'x'.repeat(120_000) })
    const { pid: next } = await run('/bin/true', [], optedIn)
    await new Promise((resolve) => setTimeout(resolve, 2200))
    await session.flush()
    const seen = session.processes.filter((event) => event.kind === 'seen')
    expect(seen.find((event) => event.pid === pid)).toMatchObject({ profile: 'local', environment: null })
    expect(seen.find((event) => event.pid === pid)?.environmentError).toMatch(/^only \d+ of \d+ bytes/)
    expect(seen.find((event) => event.pid === next)).toMatchObject({ environmentError: null })
    expect(total(session.losses, 'ring_full').records).toBeGreaterThan(0)
    await session.close()
  })
})
