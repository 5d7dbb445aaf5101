import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { type GroupOptions, openKafkaLog } from '@syscribe/log'
import pino from 'pino'
import { expect, test } from 'vitest'
import { runProcessor, topicSettings } from '../src/index.js'
import { bundleChild } from './bundle.js'
import { faultyLog } from './faulty-log.js'
import { Appender, atEnd, kafkaOptions, namesOf, useKafka } from './test-log.js'
import { namer } from './test-parts.js'

const logger = pino({ level: 'silent' })

useKafka()

test('a member that dies with transactions open, just when partitions were shared, holds up nobody for longer than it takes to find out', async () => {
  const options = kafkaOptions()
  const log = await openKafkaLog(options)
  atEnd(() => log.close())
  await log.createTopics(topicSettings({ retentionBytes: null, retentionMs: null, partitions: 2 }))
  const appender = await Appender.open(log)
  for (const partition of [0, 1]) await appender.losses([[1000, 1]], partition)
  const before = await runProcessor({ log, processor: namer(), logger })
  await before.drain()
  await before.close()

  const bundle = await bundleChild('dead-member')
  atEnd(bundle.dispose)
  const child = spawn(process.execPath, [bundle.file, options.brokers[0]!, options.prefix, 'namer', 'syscalls'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  atEnd(() => void child.kill('SIGKILL'))
  const said = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  expect((await said.next()).value).toBe('has 2')
  const shares: number[] = []
  const view = {
    ...faultyLog(log, () => {}),
    groupMember: (options: GroupOptions) =>
      log.groupMember({
        ...options,
        onAssignment: (assigned) => {
          shares.push(assigned.length)
          // It keeps the other, whose transaction nobody else may end until it is found to be dead.
          if (assigned.length === 1) child.kill('SIGKILL')
          return options.onAssignment(assigned)
        },
      }),
  }
  const running = await runProcessor({ log: view, processor: namer(), logger, partitions: 'group' })
  for (const partition of [0, 1]) {
    await appender.losses([[1001, 11]], partition)
    const all = ['begun 1', '1 1', 'begun 11', '11 2']
    await expect.poll(() => namesOf(log, partition), { timeout: 60_000 }).toEqual(all)
  }
  expect(shares).toEqual([0, 1, 2])
  await running.close()
}, 180_000)
