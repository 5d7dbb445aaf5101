import { LogError } from '@syscribe/log'
import {
  type AnyProcessor,
  type AnyProjectionTask,
  type Config,
  Metrics,
  type Running,
  runLive,
} from '@syscribe/runtime'
import type { Logger } from 'pino'
import { createTopics } from '../cluster/create-topics.js'
import { brokersOf } from '../cluster/kafka-connection.js'
import { partMetricsSource } from '../metrics/part-metrics.js'
import { type Health, serveMetrics } from '../metrics/serve-metrics.js'
import { openClusterLog } from '../open-log.js'
import type { Surroundings } from '../surroundings.js'
import { stderrLogger } from './logger.js'
import { stopRequested } from './shutdown.js'

/** How long to wait before a part that another has fenced joins again, milliseconds. */
const rejoinMs = 1_000

export interface Parts {
  processors: readonly AnyProcessor[]
  projections: readonly AnyProjectionTask[]
}

/**
 * Runs parts on a cluster until SIGINT or SIGTERM; then they commit what they have taken and let go. Processes that run
 * the same processor share its partitions.
 * @throws CliError, LogError, ProjectionError
 */
export async function runParts(config: Config, parts: Parts, surroundings: Surroundings): Promise<void> {
  const brokers = brokersOf(config)
  const stop = stopRequested()
  const names = [
    ...parts.processors.map(({ name }) => name),
    ...parts.projections.map(({ projection }) => projection.name),
  ]
  const logger = stderrLogger(config.logLevel, names.join(','))
  const metrics = new Metrics()
  const group = config.group === null ? {} : { group: config.group }
  let running: Running | undefined
  let health: Health = { ready: false, detail: 'starting' }
  const status = async () => (await running?.status()) ?? []
  const server = await serveMetrics(config, [partMetricsSource(metrics, status)], () => health)
  try {
    const log = await openClusterLog(config)
    try {
      await createTopics(log, config)
      running = await runLive({ log, logger, metrics, ...parts, ...group })
      health = { ready: true, detail: `running ${names.join(', ')}` }
      const served = server.address === null ? '' : `, metrics at http://${server.address}/metrics`
      const targets = parts.projections.map(({ target }) => ` into ${target}`)
      await surroundings.stdout.write(`ready: ${names.join(', ')}${targets}; brokers ${brokers.join(', ')}${served}\n`)
      for (;;) {
        const end = await endOf(running, stop, parts, logger)
        if (end === 'stop') break
        health = { ready: false, detail: 'joining again' }
        await running.close().catch(() => {})
        await new Promise((resolve) => setTimeout(resolve, rejoinMs))
        running = await runLive({ log, logger, metrics, ...parts, ...group })
        health = { ready: true, detail: `running ${names.join(', ')}` }
      }
      health = { ready: false, detail: 'stopping' }
      await running.close()
    } finally {
      await running?.close().catch(() => {})
      await log.close()
    }
  } finally {
    await server.close()
  }
}

/**
 * Waits for the end. A processor is fenced when its process was away for so long that another took its partitions over:
 * it joins again. A projection is fenced when another process writes the same output: one of the two must go.
 */
async function endOf(
  running: Running,
  stop: Promise<NodeJS.Signals>,
  { projections }: Parts,
  logger: Logger,
): Promise<'stop' | 'fenced'> {
  try {
    await Promise.race([stop, running.done])
    return 'stop'
  } catch (error) {
    if (!(error instanceof LogError) || error.code !== 'fenced') throw error
    if (projections.length > 0) {
      const message = `${error.message}: another process writes the same outputs; give it another --group or other files`
      throw new LogError('fenced', message, { cause: error })
    }
    logger.warn({ err: error }, 'another process has taken over; joining again')
    return 'fenced'
  }
}
