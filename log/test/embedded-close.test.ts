import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LogError, openEmbeddedLog } from '@syscribe/log'
import { expect, it } from 'vitest'
import { batchOf, record, settings } from './contract/contract-log.js'

it('is closed amid changes of its topics: what is under way ends, and nothing fails behind it', async () => {
  const path = mkdtempSync(join(tmpdir(), 'syscribe-log-'))
  const uncaught: unknown[] = []
  const note = (error: unknown) => uncaught.push(error)
  process.on('uncaughtException', note)
  try {
    for (let round = 0; round < 30; round++) {
      const log = await openEmbeddedLog({ path, cleanIntervalMs: 1 })
      const topic = `t${round}`
      await log.createTopics([settings(topic, { retentionBytes: 100 })])
      const producer = await log.producer()
      for (let n = 0; n < round % 5; n++)
        await producer.append([{ topic, partition: 0, batch: batchOf([record('a')]) }])
      const deleted = log.deleteTopic(topic).catch((error: unknown) => error)
      if (round % 2 === 1) await new Promise((resolve) => setTimeout(resolve, round % 7))
      await log.close()
      const outcome = await deleted
      if (outcome !== undefined) expect(outcome).toBeInstanceOf(LogError)
    }
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(uncaught).toEqual([])
  } finally {
    process.off('uncaughtException', note)
    rmSync(path, { recursive: true })
  }
})
