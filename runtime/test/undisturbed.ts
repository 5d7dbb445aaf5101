import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Log, RecordBatch } from '@syscribe/log'
import pino from 'pino'
import { type AnyProcessor, createPipeline, type StagePolicy } from '../src/index.js'
import { batchesOf, linesOf, testFolder, testLog } from './test-log.js'
import { liner } from './test-parts.js'

/** What a run that nothing disturbs makes of the raw records of a log: the file of the liner, and the topic `names`. */
export async function undisturbed(
  log: Log,
  processor: AnyProcessor,
  policy: StagePolicy = {},
): Promise<{ file: string; names: string[] }> {
  const { file, derived } = await derivedOf(log, processor, policy)
  return { file, names: await linesOf(derived, 'names') }
}

/** The same with the log that the run has left, where the raw topics have several partitions. */
export async function derivedOf(
  log: Log,
  processor: AnyProcessor,
  policy: StagePolicy = {},
  partitions = 1,
): Promise<{ file: string; derived: Log }> {
  const derived = await rawOf(log, partitions)
  const target = join(testFolder(), 'expected')
  const projections = [{ projection: liner(), target, settings: { rawPayload: true } }]
  const logger = pino({ level: 'silent' })
  const pipeline = await createPipeline({ log: derived, processors: [processor], projections, logger, policy })
  await pipeline.drain()
  await pipeline.close()
  return { file: readFileSync(target, 'utf8'), derived }
}

/** Raw records as they are now, in a memory log of their own. */
async function rawOf(log: Log, partitions: number): Promise<Log> {
  const copy = await testLog('memory', partitions)
  const producer = await copy.producer()
  for (const topic of ['syscalls', 'processes']) {
    for (let partition = 0; partition < partitions; partition++) {
      for (const batch of await batchesOf(log, topic, partition)) {
        if (batch.count === 0) continue
        const own = new RecordBatch(Buffer.from(batch.buffer))
        // Both logs register schemas in their own order; these are this version's.
        own.schemaId = 0
        await producer.append([{ topic, partition, batch: own }])
      }
    }
  }
  return copy
}
