import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createMemoryLog, type Log, openEmbeddedLog } from '@syscribe/log'
import pino from 'pino'
import { describe, expect, test } from 'vitest'
import { createPipeline, deriveAll, topicSettings } from '../src/index.js'
import { Appender, atEnd, linesOf, testFolder } from './test-log.js'
import { joiner, liner } from './test-parts.js'

const logger = pino({ level: 'silent' })
const settings = { rawPayload: true }

async function record(log: Log, final: boolean): Promise<void> {
  await log.createTopics(topicSettings({ retentionBytes: null, retentionMs: null }))
  const appender = await Appender.open(log)
  for (let index = 0; index < 200; index++) {
    const time = 1000 + index * 2
    if (index % 5 === 0) await appender.exits([[time, index]])
    await appender.losses([[time, index]])
    if (index % 20 === 19) {
      await appender.watermark('processes', time)
      await appender.watermark('syscalls', time)
    }
  }
  // The last record comes after the last watermark of the other input.
  await appender.losses([[1500, 999]])
  if (!final) return
  await appender.watermark('processes', 1600, 'a', true)
  await appender.watermark('syscalls', 1600, 'a', true)
}

async function live(log: Log): Promise<string> {
  const target = join(testFolder(), 'live')
  const pipeline = await createPipeline({
    log,
    processors: [joiner()],
    projections: [{ projection: liner(), target, settings }],
    logger,
  })
  await pipeline.drain()
  await pipeline.close()
  return readFileSync(target, 'utf8')
}

async function derived(rawLog: Log, derivedLog?: Log): Promise<string> {
  const target = join(testFolder(), 'derived')
  await deriveAll({
    rawLog,
    processors: [joiner()],
    projections: [{ projection: liner(), target, settings }],
    logger,
    ...(derivedLog && { derivedLog }),
  })
  return readFileSync(target, 'utf8')
}

describe('everything derived from a raw log', () => {
  test('is what the live run made, byte for byte, from a log that is only read', async () => {
    const path = join(testFolder(), 'raw')
    const written = await openEmbeddedLog({ path })
    await record(written, true)
    const expected = await live(written)
    expect(expected).toContain('999+195')
    await written.close()
    const rawLog = await openEmbeddedLog({ path, readOnly: true })
    atEnd(() => rawLog.close())
    const before = await rawLog.describeTopics()
    expect(await derived(rawLog)).toBe(expected)
    const ownLog = await openEmbeddedLog({ path: join(testFolder(), 'own') })
    atEnd(() => ownLog.close())
    expect(await derived(rawLog, ownLog)).toBe(expected)
    expect(await rawLog.describeTopics()).toEqual(before)
  })

  test('holds the last record too when no final watermark was written', async () => {
    const rawLog = createMemoryLog()
    await record(rawLog, false)
    const cut = await live(rawLog)
    const whole = await derived(rawLog)
    expect(cut).not.toContain('999+')
    expect(whole.startsWith(cut)).toBe(true)
    expect(whole.slice(cut.length)).toContain('999+195 x1\nat 1500 final 195 x1\n')
  })

  test('tells downstream that capture has ended', async () => {
    const rawLog = createMemoryLog()
    await record(rawLog, false)
    const derivedLog = createMemoryLog()
    await derived(rawLog, derivedLog)
    const last = (await linesOf(derivedLog, 'names')).at(-1)
    expect(last).toContain('"Watermark"')
    expect(last).toContain('"final":true')
  })

  test('reports progress to the end, and stops when asked', async () => {
    const rawLog = createMemoryLog()
    await record(rawLog, true)
    const target = join(testFolder(), 'derived')
    const seen: { records: number; of: number }[] = []
    const options = {
      rawLog,
      processors: [joiner()],
      projections: [{ projection: liner(), target, settings }],
      logger,
      policy: { roundRecords: 10 },
      progress: (progress: { records: number; of: number }) => void seen.push(progress),
    }
    await deriveAll(options)
    expect(seen.at(-1)?.records).toBe(seen.at(-1)?.of)
    expect(seen.at(-1)?.of).toBeGreaterThan(240)
    await expect(deriveAll({ ...options, signal: AbortSignal.abort(new Error('stop')) })).rejects.toThrow('stop')
  })
})
