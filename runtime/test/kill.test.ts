import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Log, openEmbeddedLog, openKafkaLog } from '@syscribe/log'
import { expect, test } from 'vitest'
import { type AnyProcessor, topicSettings } from '../src/index.js'
import { bundleChild } from './bundle.js'
import { Appender, atEnd, kafkaOptions, linesOf, testFolder, useKafka } from './test-log.js'
import { joiner } from './test-parts.js'
import { undisturbed } from './undisturbed.js'

useKafka()

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

    const expected = await undisturbed(raw, joiner() as AnyProcessor)
    expect(readFileSync(target, 'utf8')).toBe(expected.file)
    expect(await linesOf(raw, 'names')).toEqual(expected.names)
    expect(await linesOf(raw, 'dead-letters')).toEqual([])
    expect(expected.file.split('\n').length).toBeGreaterThan(records)
  },
  600_000,
)

async function running(child: ChildProcess): Promise<void> {
  await Promise.race([once(child.stdout!, 'data'), once(child, 'exit')])
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
