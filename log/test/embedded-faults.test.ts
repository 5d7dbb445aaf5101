import { spawnSync } from 'node:child_process'
import {
  copyFileSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Log, LogError, openEmbeddedLog, type Producer } from '@syscribe/log'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Store } from '../src/embedded/store.js'
import { numbered, numbersOf } from './children/numbered.js'
import { batchOf, expectFault, record, settings, values } from './contract/contract-log.js'

let path: string
beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), 'syscribe-faults-'))
})
afterEach(() => rmSync(path, { recursive: true }))

const append = (producer: Producer, number: number, bytes = 0, topic = 'http') =>
  producer.append([{ topic, partition: 0, batch: numbered(number, 1, bytes) }])

async function numbers(log: Log, topic = 'http'): Promise<number[]> {
  const reader = await log.reader()
  await reader.assign([{ topic, partition: 0, offset: 'earliest' }])
  const read: number[] = []
  for (;;) {
    const fetched = await reader.poll()
    if (fetched.length === 0) return read
    for (const { batch } of fetched) read.push(...numbersOf(batch))
  }
}

const upTo = (count: number, from = 0) => Array.from({ length: count - from }, (_, index) => from + index)

describe('a full disk', () => {
  let disk: string
  beforeEach(() => {
    disk = mkdtempSync(join(tmpdir(), 'syscribe-disk-'))
    expect(spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=32m', 'tmpfs', disk]).status).toBe(0)
  })
  afterEach(() => {
    expect(spawnSync('umount', [disk]).status).toBe(0)
    rmSync(disk, { recursive: true })
  })

  /** Appends numbered batches of half a megabyte until one is refused; gives how many were not. */
  async function fill(producer: Producer, from = 0): Promise<number> {
    for (let number = from; number < from + 200; number++) {
      try {
        await append(producer, number, 500_000)
      } catch (error) {
        expect((error as LogError).code).toBe('storage_full')
        return number
      }
    }
    throw new Error('the disk did not fill')
  }

  it('is a typed fault, and the log goes on when there is room again', async () => {
    const printed = vi.spyOn(console, 'error')
    const filler = join(disk, 'filler')
    writeFileSync(filler, Buffer.alloc(10_000_000))
    const log = await openEmbeddedLog({ path: join(disk, 'log') })
    await log.createTopics([settings('http'), settings('syscalls')])
    const producer = await log.producer({ transactionalId: 'id' })
    const count = await fill(producer)
    expect(count).toBeGreaterThan(10)
    const offsets = [{ topic: 'syscalls', partition: 0, offset: 1, metadata: '' }]
    const batches = [{ topic: 'http', partition: 0, batch: numbered(0, 1, 600_000) }]
    await expectFault(producer.commit({ batches, group: 'g', offsets }), 'storage_full', disk)
    await expectFault(append(producer, 0, 600_000, 'syscalls'), 'storage_full', disk)
    expect(await log.committed('g')).toEqual([])
    expect(await numbers(log)).toEqual(upTo(count))
    const end = async () => (await log.describeTopics()).find(({ topic }) => topic === 'http')!.offsets[0]!.end
    expect(await end()).toBe(count)
    rmSync(filler)
    expect(await append(producer, count)).toEqual([count])
    expect(await fill(producer, count + 1)).toBeGreaterThan(count + 10)
    expect((await numbers(log)).slice(0, count + 1)).toEqual(upTo(count + 1))
    expect(printed).not.toHaveBeenCalled()
    printed.mockRestore()
    await log.close()
  })

  it('gets room by retention alone', async () => {
    const log = await openEmbeddedLog({ path: join(disk, 'log'), cleanIntervalMs: 0 })
    await log.createTopics([settings('http', { retentionBytes: 5_000_000 })])
    const producer = await log.producer()
    let next = 0
    for (let round = 0; round < 3; round++) {
      const full = await fill(producer, next)
      expect(full).toBeGreaterThan(next)
      next = full
      await log.clean()
    }
    const kept = await numbers(log)
    expect(kept).toEqual(upTo(next, next - kept.length))
    await log.close()
  })

  it('met in the middle of a write leaves the commit before', async () => {
    // As when others fill the disk after it was asked for room.
    writeFileSync(join(disk, 'filler'), Buffer.alloc(5_000_000))
    const printed = vi.spyOn(console, 'error').mockImplementation(() => undefined)
    const store = new Store(join(disk, 'store'), { access: 'write', freeSpace: () => (asked++ % 2 === 0 ? 1e9 : 0) })
    let asked = 0
    const key = (number: number) => Buffer.from([9, number])
    let count = 0
    const put = async (number: number) =>
      store.commit([
        { key: key(number), value: Buffer.alloc(1_000_000, number) },
        { key: Buffer.from([1]), value: Buffer.from([number]) },
      ])
    for (;;) {
      asked = 0
      const fault = await put(count).catch((error: unknown) => error as LogError)
      if (fault instanceof LogError) {
        expect(fault.code).toBe('storage_full')
        break
      }
      count++
    }
    expect(count).toBeGreaterThan(20)
    const held = () => store.keys({ start: Buffer.from([9]), end: Buffer.from([10]) }).map((found) => found[1])
    expect(held()).toEqual(upTo(count))
    expect(store.get(Buffer.from([1]))).toEqual(Buffer.from([count - 1]))
    rmSync(join(disk, 'filler'))
    asked = 0
    await store.commit([0, 1, 2, 3].map((number) => ({ key: key(number), value: null })))
    store.refresh()
    asked = 0
    await put(50)
    expect(held()).toEqual([...upTo(count, 4), 50])
    await store.close()
    printed.mockRestore()
  })
})

describe('a damaged log', () => {
  const file = () => join(path, 'derived', 'data.mdb')

  async function written(count = 100): Promise<void> {
    const log = await openEmbeddedLog({ path })
    await log.createTopics([settings('http')])
    const producer = await log.producer()
    for (let number = 0; number < count; number++) await append(producer, number, 20_000)
    await log.close()
  }

  const readAll = async (readOnly: boolean) => {
    const log = await openEmbeddedLog({ path, readOnly })
    try {
      return await numbers(log)
    } finally {
      await log.close()
    }
  }

  it('is named when it is no log at all', async () => {
    await written(1)
    writeFileSync(file(), 'something else\n'.repeat(1000))
    await expectFault(readAll(false), 'corrupt', file(), 'does not begin')
    await expectFault(readAll(true), 'corrupt', file(), 'does not begin')
  })

  it('is named when the file ends early, for writers and readers', async () => {
    await written()
    const { size } = statSync(file())
    for (const share of [0.9, 0.5, 0.01]) {
      truncateSync(file(), Math.floor(size * share))
      await expectFault(readAll(true), 'corrupt', path)
      await expectFault(readAll(false), 'corrupt', path)
    }
  })

  it('is named when batches are overwritten', async () => {
    await written()
    const bytes = readFileSync(file())
    for (let page = 20; page < bytes.length / 4096; page += 5) bytes.fill(0xa5, page * 4096, page * 4096 + 300)
    writeFileSync(file(), bytes)
    await expectFault(readAll(true), 'corrupt', path)
    await expectFault(readAll(false), 'corrupt', path)
  })

  it('is named when the sides are exchanged', async () => {
    await written(1)
    renameSync(join(path, 'raw'), join(path, 'other'))
    renameSync(join(path, 'derived'), join(path, 'raw'))
    renameSync(join(path, 'other'), join(path, 'derived'))
    await expectFault(readAll(true), 'corrupt', join(path, 'raw'), 'derived')
  })
})

describe('a write that was torn', () => {
  it('leaves the commit before, whichever of its pages reached the disk', async () => {
    const file = join(path, 'derived', 'data.mdb')
    const log = await openEmbeddedLog({ path })
    await log.createTopics([settings('http', { retentionBytes: 300_000 }), settings('syscalls')])
    const producer = await log.producer({ transactionalId: 'id' })
    let seed = 7
    const random = () => {
      seed = (seed * 1_103_515_245 + 12_345) & 0x7fffffff
      return seed / 0x7fffffff
    }
    const torn = join(path, 'torn')
    for (let round = 0; round < 30; round++) {
      await append(producer, round, Math.floor(random() * 30_000))
      await log.clean()
      const before = readFileSync(file)
      const kept = await numbers(log)
      const batches = [{ topic: 'http', partition: 0, batch: numbered(round, 1, Math.floor(random() * 60_000)) }]
      const offsets = [{ topic: 'syscalls', partition: 0, offset: round, metadata: 'm'.repeat(round * 300) }]
      await producer.commit({ batches, group: 'g', offsets })
      const after = readFileSync(file)
      // Header pages are written last: any of the other pages may have been written, or half of one, or none.
      const mixed = Buffer.alloc(after.length)
      before.copy(mixed)
      for (let page = 2; page * 4096 < after.length; page++) {
        if (random() < 0.5) after.copy(mixed, page * 4096, page * 4096, page * 4096 + (random() < 0.2 ? 2048 : 4096))
      }
      spawnSync('mkdir', ['-p', join(torn, 'raw'), join(torn, 'derived')])
      copyFileSync(join(path, 'raw', 'data.mdb'), join(torn, 'raw', 'data.mdb'))
      writeFileSync(join(torn, 'derived', 'data.mdb'), mixed.subarray(0, Math.floor(before.length + random() * 9000)))
      const recovered = await openEmbeddedLog({ path: torn })
      expect(await numbers(recovered)).toEqual(kept)
      expect((await recovered.committed('g'))[0]?.offset).toBe(round === 0 ? undefined : round - 1)
      const writer = await recovered.producer()
      await append(writer, 1000)
      expect(await numbers(recovered)).toEqual([...kept, 1000])
      await recovered.close()
      rmSync(torn, { recursive: true })
    }
    await log.close()
  })
})

it('has every commit flushed before it is acknowledged', async () => {
  const log = await openEmbeddedLog({ path })
  await log.createTopics([settings('http')])
  const producer = await log.producer()
  for (let number = 0; number < 10; number++) {
    await append(producer, number)
    const header = readFileSync(join(path, 'derived', 'data.mdb'))
    // lmdb marks in the header (flags of the free list, 0x1000) the commits that it flushes only later.
    for (const page of [0, 4096]) expect(header.readUInt16LE(page + 52) & 0x1000).toBe(0)
  }
  await log.close()
})

describe('growth', () => {
  it('goes beyond the map it began with, for the writer and for a reader at work', async () => {
    const log = await openEmbeddedLog({ path, mapSize: 1024 * 1024 })
    await log.createTopics([settings('http')])
    const follower = await openEmbeddedLog({ path, mapSize: 1024 * 1024, readOnly: true })
    const producer = await log.producer()
    for (let number = 0; number < 100; number++) {
      await append(producer, number, 300_000)
      if (number % 20 === 0) expect((await numbers(follower)).at(-1)).toBe(number)
    }
    expect(await numbers(log)).toEqual(upTo(100))
    expect(await numbers(follower)).toEqual(upTo(100))
    await follower.close()
    await log.close()
    const again = await openEmbeddedLog({ path, mapSize: 1024 * 1024 })
    expect(await numbers(again)).toEqual(upTo(100))
    await again.close()
  })

  it('stops where retention keeps it: freed pages are filled again', async () => {
    const log = await openEmbeddedLog({ path, cleanIntervalMs: 0 })
    await log.createTopics([settings('http', { retentionBytes: 3_000_000 })])
    const producer = await log.producer()
    const size = () => statSync(join(path, 'derived', 'data.mdb')).size
    let settled = 0
    for (let number = 0; number < 600; number++) {
      await append(producer, number, 20_000 + ((number * 7919) % 60_000))
      if (number % 20 === 19) await log.clean()
      if (number === 300) settled = size()
    }
    expect(settled).toBeLessThan(20_000_000)
    expect(size()).toBeLessThan(settled * 1.3)
    await log.close()
  })
})

describe('cleaning by itself', () => {
  it('keeps partitions at their size and compacted topics short, while appends go on', async () => {
    const log = await openEmbeddedLog({ path, cleanIntervalMs: 10, compactionBytes: 20_000 })
    await log.createTopics([settings('http', { retentionBytes: 200_000 }), settings('state', { cleanup: 'compact' })])
    const producer = await log.producer()
    for (let number = 0; number < 400; number++) {
      await producer.append([
        { topic: 'http', partition: 0, batch: numbered(number, 1, 5000) },
        { topic: 'state', partition: 0, batch: batchOf([record(`${number}`.padEnd(500), `key ${number % 10}`)]) },
      ])
    }
    const bytes = async (topic: string) =>
      (await log.describeTopics()).find((described) => described.topic === topic)!.offsets[0]!.bytes
    await vi.waitFor(async () => {
      expect(await bytes('http')).toBeLessThanOrEqual(200_000)
      expect(await bytes('state')).toBeLessThan(40_000)
    }, 10_000)
    const newest = (await values(log, 'state')).slice(-10).map((value) => Number(value!.trim()))
    expect(newest).toEqual(upTo(400, 390))
    await log.close()
  })

  it('tells when it fails', async () => {
    const faults: LogError[] = []
    const log = await openEmbeddedLog({ path, cleanIntervalMs: 10, onCleanFault: (fault) => faults.push(fault) })
    await log.createTopics([settings('http', { retentionBytes: 1 })])
    const producer = await log.producer()
    const broken = numbered(0, 1, 0)
    const appended = producer.append([{ topic: 'http', partition: 0, batch: broken }])
    // The log owns the buffer until it is written: a caller that spoils it stands in for a bad disk.
    broken.buffer.writeUInt32LE(99, 8)
    await appended
    await append(producer, 1)
    await vi.waitFor(() => expect(faults.length).toBeGreaterThan(0), 5000)
    expect(faults[0]!.code).toBe('corrupt')
    await log.close()
  })
})

it('goes on with the removal of a deleted topic after a restart', async () => {
  const log = await openEmbeddedLog({ path, cleanIntervalMs: 0 })
  await log.createTopics([settings('http'), settings('kept')])
  const producer = await log.producer()
  for (let number = 0; number < 600; number++) await append(producer, number)
  await append(producer, 1, 0, 'kept')
  const deleted = log.deleteTopic('http')
  await log.close()
  await deleted.catch(() => undefined)
  const again = await openEmbeddedLog({ path, cleanIntervalMs: 0 })
  expect((await again.describeTopics()).map(({ topic }) => topic)).toEqual(['kept'])
  await again.clean()
  expect(await numbers(again, 'kept')).toEqual([1])
  await again.close()
  const store = new Store(join(path, 'derived'), { access: 'read' })
  expect(store.keys({ start: Buffer.from([5]), end: Buffer.from([6]) })).toHaveLength(1)
  expect(store.keys({ start: Buffer.from([8]), end: Buffer.from([9]) })).toHaveLength(0)
  await store.close()
})
