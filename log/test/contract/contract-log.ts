import { randomBytes } from 'node:crypto'
import { BatchBuilder, type Log, LogError, type LogErrorCode, type NewRecord, type TopicSettings } from '@syscribe/log'
import { expect } from 'vitest'

/** A log under test. */
export interface ContractLog {
  log: Log
  /** Closes it and opens what it holds again; absent where nothing outlives `close`. */
  reopen?: () => Promise<Log>
  /** Frees what the test took. The log may be closed by then. */
  dispose(): Promise<void>
}

export interface ContractOptions {
  /** Batches and records above are refused with `record_too_large`. */
  maxBatchBytes?: number
  tombstoneMs?: number
}

export interface Engine {
  open(options?: ContractOptions): Promise<ContractLog>
  /** `clean` does all that the settings ask for before it resolves. */
  cleansAtOnce: boolean
  /** Batches of one `append` call are atomic. */
  atomicAppends: boolean
}

/** A name that no other test uses, for engines whose topics outlive a test. */
export function unique(name: string): string {
  return `${name}-${randomBytes(6).toString('hex')}`
}

export function settings(topic: string, more: Partial<TopicSettings> = {}): TopicSettings {
  return { topic, partitions: 1, cleanup: 'delete', retentionMs: null, retentionBytes: null, ...more }
}

export interface PlainRecord {
  timestamp: number
  key: string | null
  value: string | null
}

export function record(value: string | null, key: string | null = null, timestamp = 1_700_000_000_000): PlainRecord {
  return { timestamp, key, value }
}

export function batchOf(records: readonly PlainRecord[], schemaId = 0) {
  const builder = new BatchBuilder(schemaId, 64)
  for (const { timestamp, key, value } of records) {
    const packed: NewRecord = {
      timestamp,
      key: key === null ? null : Buffer.from(key),
      value: value === null ? null : Buffer.from(value),
    }
    builder.append(packed)
  }
  return builder.take()
}

export interface ReadRecord extends PlainRecord {
  offset: number
}

/** Reads a partition from an offset until nothing more comes. */
export async function readAll(
  log: Log,
  topic: string,
  partition = 0,
  offset: number | 'earliest' = 'earliest',
): Promise<ReadRecord[]> {
  const reader = await log.reader()
  await reader.assign([{ topic, partition, offset }])
  const { offsets } = (await log.describeTopics()).find((described) => described.topic === topic)!
  const { end } = offsets.find((described) => described.partition === partition)!
  const records: ReadRecord[] = []
  let next = 0
  while (next < end) {
    const fetched = await reader.poll({ waitMs: 200 })
    if (fetched.length === 0) break
    for (const { batch, nextOffset } of fetched) {
      for (const { offset: at, timestamp, key, value } of batch) {
        if (typeof offset === 'number' && at < offset) continue
        records.push({ offset: at, timestamp, key: key?.toString() ?? null, value: value?.toString() ?? null })
      }
      next = nextOffset
    }
  }
  await reader.close()
  return records
}

export async function values(log: Log, topic: string, partition = 0): Promise<(string | null)[]> {
  return (await readAll(log, topic, partition)).map(({ value }) => value)
}

/** Expects a rejection with a LogError of this code whose message has all of `parts`. */
export async function expectFault(promise: Promise<unknown>, code: LogErrorCode, ...parts: string[]): Promise<void> {
  const fault = await promise.then(
    () => new Error('it did not fail'),
    (error: unknown) => error,
  )
  expect(fault).toBeInstanceOf(LogError)
  expect((fault as LogError).code).toBe(code)
  for (const part of parts) expect((fault as LogError).message).toContain(part)
}
