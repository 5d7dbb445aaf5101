import { execFileSync } from 'node:child_process'
import { TopicCodec } from '@syscribe/schemas'
import { describe, expect, it } from 'vitest'
import { bpfObjectPath, eventLayout, openCapture, partitionOf } from '../src/native.js'
import { boot, buildNative } from './native/capture-session.js'
import { run, tcpEcho, udpEcho } from './native/echo-peer.js'
import { fixtureProgram } from './native/fixture-program.js'

buildNative()
const program = fixtureProgram('socket-calls')

interface BtfType {
  id: number
  kind: string
  name: string
  size?: number
  nr_elems?: number
  type_id?: number
  members?: { name: string; type_id: number; bits_offset: number }[]
}

/** struct → field → [offset, size] as the BPF compiler laid them out, from the object's BTF. */
function btfLayout(names: string[]): Record<string, Record<string, [number, number]>> {
  const dump = JSON.parse(execFileSync('bpftool', ['-j', 'btf', 'dump', 'file', bpfObjectPath], { encoding: 'utf8' }))
  const types: BtfType[] = dump.types
  const byId = new Map(types.map((type) => [type.id, type]))
  const sizeOf = (id: number): number => {
    const type = byId.get(id) as BtfType
    if (type.kind === 'ARRAY') return sizeOf(type.type_id as number) * (type.nr_elems as number)
    return type.size ?? sizeOf(type.type_id as number)
  }
  return Object.fromEntries(
    names.map((name) => {
      const struct = types.find((type) => type.kind === 'STRUCT' && type.name === name)
      const fields = struct?.members?.map((m) => [m.name, [m.bits_offset / 8, sizeOf(m.type_id)]]) ?? []
      return [name, Object.fromEntries(fields)]
    }),
  )
}

describe('the ring records', () => {
  it('are laid out alike by the BPF compiler and the addon compiler, every field of every struct', () => {
    const layout = eventLayout()
    expect(btfLayout(Object.keys(layout))).toEqual(layout)
    expect(Object.keys(layout)).toHaveLength(10)
  })
})

describe('partitions', () => {
  // Vectors of Kafka's own UtilsTest.testMurmur2: murmur2 of the string, signed.
  it.each<[string, number]>([
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107],
  ])('of %s', (key, hash) => {
    for (const partitions of [1, 2, 7, 256]) {
      expect(partitionOf(Buffer.from(key), partitions)).toBe((hash & 0x7fffffff) % partitions)
    }
  })
})

describe('records', () => {
  it('are what the codec of schemas would have written, in batches of their partition, keyed, in order of time', async () => {
    const codec = new TopicCodec('syscalls')
    const partitions = 5
    const capture = openCapture({ host: 'höst', boot, partitions, schemaId: 77, batchBytes: 4096 })
    const tcp = await tcpEcho(6, 9000)
    const udp = await udpEcho(4)
    const started = Date.now()
    for (let i = 0; i < 8; i++) {
      await run(program, ['client', '6', `${tcp.port}`, 'readv', '9000'], { ADI_PROFILE: 'x' })
      await run(program, ['udp', '4', `${udp.port}`, 'recvfrom', '300'], { ADI_PROFILE: 'x' })
    }
    tcp.close()
    udp.close()
    let done = false
    const flushed = capture.flush().then(() => {
      done = true
    })
    const kinds = new Map<string, number>()
    const used = new Set<number>()
    const last: number[] = []
    let watermark = 0
    while (!done) {
      const delivery = await capture.read(50)
      for (const { partition, batch } of delivery.batches) {
        expect(batch.schemaId).toBe(77)
        let count = 0
        for (const { key, value, timestamp } of batch) {
          const record = codec.decode(value as Buffer)
          expect(codec.encode(record.kind, record.value as never).equals(value as Buffer)).toBe(true)
          if (!('connection' in record.value)) throw new Error(record.kind)
          expect(record.value.connection.equals(key as Buffer)).toBe(true)
          expect(partitionOf(key as Buffer, partitions)).toBe(partition)
          expect(timestamp).toBeGreaterThanOrEqual(last[partition] ?? 0)
          expect(timestamp).toBeGreaterThanOrEqual(Math.floor(record.value.time / 1000))
          expect(record.value.time).toBeGreaterThan(watermark)
          expect(Math.abs(record.value.time / 1000 - started)).toBeLessThan(60_000)
          expect(record.value).toMatchObject({ host: 'höst' })
          expect(record.value.boot.equals(boot)).toBe(true)
          expect([batch.minTimestamp <= timestamp, timestamp <= batch.maxTimestamp]).toEqual([true, true])
          last[partition] = timestamp
          kinds.set(record.kind, (kinds.get(record.kind) ?? 0) + 1)
          count++
        }
        expect(count).toBe(batch.count)
        used.add(partition)
      }
      watermark = delivery.watermark.time
    }
    await flushed
    expect(used.size).toBeGreaterThan(1)
    expect([...kinds.keys()].sort()).toEqual(['ConnectionClosed', 'ConnectionOpened', 'SocketIo'])
    capture.close()
  })
})
