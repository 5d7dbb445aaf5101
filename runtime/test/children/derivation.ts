import { openEmbeddedLog, openKafkaLog } from '@syscribe/log'
import pino from 'pino'
import { createPipeline } from '../../src/index.js'
import { joiner, liner } from '../test-parts.js'

/**
 * Derives from the log in argv[2], a folder or JSON of Kafka options, into the file argv[3], until it is killed; with
 * argv[4] until it has everything.
 */
const [, , at = '', target = '', once] = process.argv
const log = at.startsWith('{')
  ? await openKafkaLog(JSON.parse(at))
  : await openEmbeddedLog({ path: at, writes: 'derived', cleanIntervalMs: 20, compactionBytes: 2000 })
const pipeline = await createPipeline({
  log,
  processors: [joiner()],
  projections: [{ projection: liner(), target, settings: { rawPayload: true } }],
  logger: pino({ level: 'warn' }, pino.destination(2)),
  policy: { aheadBytes: 4000, roundRecords: 40, checkpointMs: 30, commitMs: 2 },
})
process.stdout.write('running\n')
if (once !== undefined) {
  await pipeline.drain()
  await pipeline.close()
  await log.close()
}
