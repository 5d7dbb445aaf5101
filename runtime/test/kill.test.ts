import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createMemoryLog, type Log, openEmbeddedLog, RecordBatch } from '@syscribe/log'
import pino from 'pino'
import { expect, test } from 'vitest'
import { createPipeline, topicSettings } from '../src/index.js'
import { bundleChild } from './bundle.js'
import { Appender, atEnd, linesOf, testFolder } from './test-log.js'
import { joiner, liner } from './test-parts.js'

const kills = 100

/** The raw records of a log, in a log of their own. */
async function copyOfRaw(log: Log): Promise<Log> {
  const copy = createMemoryLog()
  await copy.createTopics(topicSettings({ retentionBytes: null, retentionMs: null }))
  const producer = await copy.producer()
  const reader = await log.reader()
  await reader.assign(['syscalls', 'processes'].map((topic) => ({ topic, partition: 0, offset: 'earliest' as const })))
  for (;;) {
    const fetched = await reader.poll()
    if (fetched.length === 0) break
    for (const { topic, batch } of fetched) {
      const own = new RecordBatch(Buffer.from(batch.buffer))
      // Both logs register schemas in their own order; these are this version's.
      own.schemaId = 0
      await producer.append([{ topic, partition: 0, batch: own }])
    }
  }
  return copy
}

test(`killed ${kills} times while it runs, a pipeline leaves what an uninterrupted run leaves`, async () => {
  const folder = testFolder()
  const path = join(folder, 'log')
  const target = join(folder, 'lines')
  const made = await openEmbeddedLog({ path })
  await made.createTopics(topicSettings({ retentionBytes: null, retentionMs: null }))
  await made.close()
  const raw = await openEmbeddedLog({ path, writes: 'raw' })
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
    const derivation = spawn(process.execPath, [child.file, path, target], { stdio: ['ignore', 'pipe', 'inherit'] })
    const ended = once(derivation, 'exit')
    // One in ten dies while it starts or restores, at some point of the half second that takes.
    if (kill % 10 === 9) await pause(Math.random() * 500)
    else {
      await running(derivation)
      const until = performance.now() + Math.random() * 60
      while (performance.now() < until) await appendSome()
    }
    derivation.kill('SIGKILL')
    expect((await ended)[1], 'the derivation ended by itself').toBe('SIGKILL')
  }
  for (const topic of ['processes', 'syscalls'] as const) await appender.watermark(topic, 2000 + number, 'a', true)
  const last = spawn(process.execPath, [child.file, path, target, 'once'], { stdio: ['ignore', 'inherit', 'inherit'] })
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
  expect(readFileSync(expected, 'utf8').split('\n').length).toBeGreaterThan(1000)
}, 600_000)

async function running(child: ChildProcess): Promise<void> {
  await Promise.race([once(child.stdout!, 'data'), once(child, 'exit')])
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
