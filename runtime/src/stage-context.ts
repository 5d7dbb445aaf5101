import type { Log } from '@syscribe/log'
import type { Logger } from 'pino'
import type { Metrics } from './metrics.js'
import type { ReadableSchemas } from './readable-schema.js'
import type { StagePolicy } from './stage.js'

/** What every stage of one process shares. */
export interface StageContext {
  log: Log
  logger: Logger
  metrics: Metrics
  schemas: ReadableSchemas
  policy: Required<StagePolicy>
}
