import { openKafkaLog } from '@syscribe/log'
import pino from 'pino'
import { type AnyProcessor, type AnyProjectionTask, runLive } from '../../src/index.js'
import { joiner, joiner2, liner } from '../test-parts.js'

/**
 * A live process of one part, on the brokers argv[2] under the prefix argv[3], until it is killed: `joiner`, `joiner2`,
 * or the liner into the file that is named.
 */
const [, , brokers = '', prefix = '', part = ''] = process.argv
const processor = part === 'joiner' ? joiner() : part === 'joiner2' ? joiner2() : null
const log = await openKafkaLog({ brokers: brokers.split(','), prefix, sessionTimeoutMs: 6_000 })
const running = await runLive({
  log,
  logger: pino({ level: 'warn' }, pino.destination(2)),
  processors: processor === null ? [] : [processor as AnyProcessor],
  projections:
    processor === null
      ? [{ projection: liner(), target: part, settings: { rawPayload: true } } as AnyProjectionTask]
      : [],
  policy: { aheadBytes: 20_000, roundRecords: 100, checkpointMs: 200, commitMs: 20, replayCheckMs: 100 },
})
process.stdout.write('running\n')
await running.done
