import {
  appendFileSync,
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BatchBuilder, type PartitionBatch } from '@syscribe/log'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Spool } from '../src/spool/spool.js'

let folder: string
let spool: Spool
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'syscribe-spool-'))
  spool = open()
})
afterEach(() => {
  spool.close()
  rmSync(folder, { recursive: true, force: true })
})

function open(maxBytes = 1024 ** 2): Spool {
  return new Spool({ path: folder, maxBytes, partitions: 4, topics: ['processes', 'syscalls'] })
}

function round(text: string, partition = 0, topic = 'syscalls'): PartitionBatch[] {
  const builder = new BatchBuilder(1, 64)
  builder.append({ timestamp: 7, key: Buffer.from('k'), value: Buffer.from(text) })
  return [{ topic, partition, batch: builder.take() }]
}

/** What is in the spool from a position on. */
function texts(from = 0): string[] {
  const found: string[] = []
  for (let rounds = spool.read(from, 100); rounds !== undefined; rounds = spool.read(rounds.next, 100)) {
    for (const { topic, partition, batch } of rounds.batches) {
      for (const { value } of batch) found.push(`${topic}/${partition} ${value}`)
    }
  }
  return found
}

const files = () => readdirSync(folder).filter((name) => name.endsWith('.rounds'))

/** Another process takes over: nothing of the first one's memory is left. */
function restart(): void {
  spool.close()
  spool = open()
}

describe('the spool', () => {
  test('gives back what was appended, in order, with its schemas', async () => {
    await spool.registerSchema('syscalls', { type: 'int' })
    spool.append([...round('a', 3), ...round('b', 0, 'processes')])
    spool.append(round('c'))
    expect(texts()).toEqual(['syscalls/3 a', 'processes/0 b', 'syscalls/0 c'])
    expect(spool.read(0, 1)?.schemas).toEqual([{ topic: 'syscalls', schema: { type: 'int' } }])
    const first = spool.read(0, 1)
    expect(texts(first?.next)).toEqual(['syscalls/0 c'])
  })

  test('outlives its process, and a round half written does not count', () => {
    spool.append(round('a'))
    spool.append(round('b'))
    const path = join(folder, files()[0] as string)
    appendFileSync(path, 'half a round')
    restart()
    expect(texts()).toEqual(['syscalls/0 a', 'syscalls/0 b'])
    spool.append(round('c'))
    truncateSync(path, statSync(path).size - 'half a round'.length - 3)
    restart()
    expect(texts()).toEqual(['syscalls/0 a', 'syscalls/0 c'])
  })

  test('a round that is not what was written does not count', () => {
    spool.append(round('a'))
    spool.append(round('b'))
    const path = join(folder, files()[0] as string)
    const file = openSync(path, 'r+')
    writeSync(file, 'x', statSync(path).size - 1)
    closeSync(file)
    restart()
    expect(texts()).toEqual(['syscalls/0 a'])
  })

  test('what was sent is not there again after a restart; what comes then has later positions', () => {
    spool.append(round('a'))
    spool.append(round('b'))
    const sent = spool.read(0, 1)?.next as number
    spool.release(sent)
    const { id } = spool
    restart()
    expect([spool.id, texts(spool.resumeAt(undefined))]).toEqual([id, ['syscalls/0 b']])
    spool.append(round('c'))
    // The log confirms more than is on disk: a power failure took it.
    const lost = sent + 10_000
    expect(texts(spool.resumeAt({ spool: id, position: lost }))).toEqual(['syscalls/0 c'])
  })

  test('the word of the log counts, of this spool only', () => {
    spool.append(round('a'))
    spool.append(round('b'))
    const next = spool.read(0, 1)?.next as number
    expect(texts(spool.resumeAt({ spool: 'another', position: next }))).toHaveLength(2)
    expect(texts(spool.resumeAt({ spool: spool.id, position: next }))).toEqual(['syscalls/0 b'])
    expect(texts(spool.resumeAt({ spool: spool.id, position: 0 }))).toEqual(['syscalls/0 b'])
  })

  test('all sent: the next start begins anew, with nothing on disk', () => {
    spool.append(round('a'))
    spool.release(spool.read(0, 1)?.next as number)
    const { id } = spool
    restart()
    expect(spool.id).not.toBe(id)
    expect([files(), texts(spool.resumeAt({ spool: id, position: 1e9 }))]).toEqual([[], []])
    spool.append(round('b'))
    expect(texts(spool.resumeAt({ spool: id, position: 1e9 }))).toEqual(['syscalls/0 b'])
  })

  test('is bounded: a round over the limit is refused, until something has been sent', () => {
    const text = 'x'.repeat(100_000)
    let taken = 0
    const fill = () => {
      for (; taken < 1000; taken++) spool.append(round(text))
    }
    expect(fill).toThrow(expect.objectContaining({ code: 'storage_full' }))
    const bytes = files().reduce((sum, name) => sum + statSync(join(folder, name)).size, 0)
    expect([taken, bytes < 1024 ** 2 + 1000]).toEqual([10, true])
    expect(spool.waitingBytes).toBeGreaterThan(1_000_000)
    for (let n = 0; n < 5; n++) spool.release(spool.read(spool.released, 1)?.next as number)
    expect(fill).toThrow(expect.objectContaining({ code: 'storage_full' }))
    expect(taken).toBeGreaterThan(12)
    expect(texts(spool.released)).toHaveLength(taken - 5)
    spool.takeRest()
    spool.append(round(text))
  })

  test('tells when there is room again, and of its end', async () => {
    const fill = () => {
      for (;;) spool.append(round('x'.repeat(100_000)))
    }
    expect(fill).toThrow(expect.objectContaining({ code: 'storage_full' }))
    const waiting = [spool.room(), spool.room()]
    spool.release(spool.read(spool.released, 1)?.next as number)
    spool.release(spool.read(spool.released, 1)?.next as number)
    await Promise.all(waiting)
    spool.append(round('y'))
    const end = spool.room()
    spool.close()
    await end
    await spool.room()
    spool = open()
  })

  test('is one process at a time', () => {
    expect(() => open()).toThrow(expect.objectContaining({ code: 'locked' }))
  })

  test('tells of news, and of its end', async () => {
    const news = spool.news(0)
    spool.append(round('a'))
    await news
    const next = spool.read(0, 1)?.next as number
    let ended = false
    const end = spool.news(next).then(() => {
      ended = true
    })
    await spool.news(0)
    expect(ended).toBe(false)
    spool.close()
    await end
    spool = open()
  })
})
