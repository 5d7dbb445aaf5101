import { openKafkaLog } from '@syscribe/log'
import pino from 'pino'
import { type AnyProcessor, replayGeneration } from '../../src/index.js'
import { joiner2 } from '../test-parts.js'

/** Replays the second version of the joiner on the brokers argv[2] under the prefix argv[3]; argv[4]: slowly. */
const [, , brokers = '', prefix = '', slowly] = process.argv
const log = await openKafkaLog({ brokers: brokers.split(','), prefix })
await replayGeneration({
  log,
  logger: pino({ level: 'warn' }, pino.destination(2)),
  processors: [joiner2() as AnyProcessor],
  name: 'joiner',
  policy: {
    aheadBytes: 20_000,
    roundRecords: slowly === undefined ? 500 : 10,
    checkpointMs: 200,
    commitMs: 20,
    replayCheckMs: 100,
  },
  silentMs: 20_000,
  graceMs: 500,
  progress: ({ records, of }) => process.stdout.write(`${records} of ${of}\n`),
  notice: (sentence) => process.stderr.write(`${sentence}\n`),
})
await log.close()
