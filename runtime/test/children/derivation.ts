import { openEmbeddedLog } from '@syscribe/log'
import pino from 'pino'
import { createPipeline } from '../../src/index.js'
import { joiner, liner } from '../test-parts.js'

/** Derives from the log in argv[2] into the file argv[3], until it is killed; with argv[4] until it has everything. */
const [, , path = '', target = '', once] = process.argv
const log = await openEmbeddedLog({ path, writes: 'derived', cleanIntervalMs: 20, compactionBytes: 2000 })
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
