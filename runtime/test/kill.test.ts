import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createMemoryLog, type Log, openEmbeddedLog, openKafkaLog, RecordBatch } from '@syscribe/log'
import pino from 'pino'
import { expect, test } from 'vitest'
import { createPipeline, topicSettings } from '../src/index.js'
import { bundleChild } from './bundle.js'
import { Appender, atEnd, batchesOf, kafkaOptions, linesOf, testFolder, useKafka } from './test-log.js'
import { joiner, liner } from './test-parts.js'

useKafka()

/** The raw records of a log, in a log of their own. */
async function copyOfRaw(log: Log): Promise<Log> {
  const copy = createMemoryLog()
  await copy.createTopics(topicSettings({ retentionBytes: null, retentionMs: null }))
  const producer = await copy.producer()
  for (const topic of ['syscalls', 'processes']) {
    for (const batch of await batchesOf(log, topic)) {
      if (batch.count === 0) continue
      const own = new RecordBatch(Buffer.from(batch.buffer))
      // Both logs register schemas in their own order; these are this version's.
      own.schemaId = 0
      await producer.append([{ topic, partition: 0, batch: own }])
    }
  }
  return copy
}

/** A log for raw records, and how a derivation in another process opens it. */
async function rawLog(engine: 'embedded' | 'kafka'): Promise<{ raw: Log; opens: string }> {
  const topics = topicSettings({ retentionBytes: null, retentionMs: null })
  if (engine === 'kafka') {
    const options = kafkaOptions()
    const raw = await openKafkaLog(options)
    await raw.createTopics(topics)
    return { raw, opens: JSON.stringify(options) }
  }
  const path = join(testFolder(), 'log')
  const made = await openEmbeddedLog({ path })
  await made.createTopics(topics)
  await made.close()
  return { raw: await openEmbeddedLog({ path, writes: 'raw' }), opens: path }
}

const cases = [
  { engine: 'embedded', kills: 100, appendMs: 60, records: 1000 },
  { engine: 'kafka', kills: 6, appendMs: 500, records: 50 },
] as const

test.each(cases)(
  'killed $kills times while it runs on the $engine engine, a pipeline leaves what an uninterrupted run leaves',
  async (given) => {
    const { engine, kills, appendMs, records } = given
    const folder = testFolder()
    const target = join(folder, 'lines')
    const { raw, opens } = await rawLog(engine)
    atEnd(() => raw.close())
    const child = await bundleChild('derivation')
    atEnd(child.dispose)

    let number = 0
    const appender = await Appender.open(raw)
    const appendSome = async () => {
      for (let index = 0; index < 5; index++) {
        const time = 1000 + ++number
        if (number % 3 === 0) await appender.exits([[time, number]])
        await appender.losses([
          [time, number],
          [time, number + 1],
        ])
      }
      await appender.watermark('processes', 1000 + number)
      await appender.watermark('syscalls', 1000 + number)
    }

    for (let kill = 0; kill < kills; kill++) {
      const derivation = spawn(process.execPath, [child.file, opens, target], { stdio: ['ignore', 'pipe', 'inherit'] })
      const ended = once(derivation, 'exit')
      // One in ten dies while it starts or restores, at some point of the half second that takes.
      if (kill % 10 === 5) await pause(Math.random() * 500)
      else {
        await running(derivation)
        const until = performance.now() + Math.random() * appendMs
        while (performance.now() < until) await appendSome()
      }
      derivation.kill('SIGKILL')
      expect((await ended)[1], 'the derivation ended by itself').toBe('SIGKILL')
    }
    for (const topic of ['processes', 'syscalls'] as const) await appender.watermark(topic, 2000 + number, 'a', true)
    const last = spawn(process.execPath, [child.file, opens, target, 'once'], {
      stdio: ['ignore', 'inherit', 'inherit'],
    })
    expect((await once(last, 'exit'))[0]).toBe(0)

    const whole = await copyOfRaw(raw)
    const expected = join(folder, 'expected')
    const pipeline = await createPipeline({
      log: whole,
      processors: [joiner()],
      projections: [{ projection: liner(), target: expected, settings: { rawPayload: true } }],
      logger: pino({ level: 'silent' }),
    })
    await pipeline.drain()
    await pipeline.close()
    expect(readFileSync(target, 'utf8')).toBe(readFileSync(expected, 'utf8'))
    expect(await linesOf(raw, 'names')).toEqual(await linesOf(whole, 'names'))
    expect(await linesOf(raw, 'dead-letters')).toEqual([])
    expect(readFileSync(expected, 'utf8').split('\n').length).toBeGreaterThan(records)
  },
  600_000,
)

async function running(child: ChildProcess): Promise<void> {
  await Promise.race([once(child.stdout!, 'data'), once(child, 'exit')])
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
