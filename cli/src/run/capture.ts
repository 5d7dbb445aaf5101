import { type Collector, type CollectorConfig, type RawLog, selfCheck, startCollector } from '@syscribe/collector'
import type { Config } from '@syscribe/runtime'
import type { Logger } from 'pino'
import { CliError } from '../cli-error.js'

/**
 * Makes sure that this kernel, these rights and this build can capture, before anything is written.
 * @throws CliError `fault` with the first thing that is missing and what to do about it.
 */
export function checkCapture(): void {
  const failed = selfCheck().filter((check) => check.ok === false)
  // The check called "capture" sums the others up: one of them says more.
  const first = failed.find((check) => check.name !== 'capture') ?? failed[0]
  if (first === undefined) return
  throw new CliError('fault', `cannot capture: ${first.detail.replace(/\.$/, '')} (syscribe doctor says more)`)
}

/** Starts capture as configured. */
export function startCapture(log: RawLog, config: Config, logger: Logger): Promise<Collector> {
  return startCollector({ log, config: collectorConfig(config), logger })
}

export function collectorConfig(config: Config): CollectorConfig {
  return {
    host: config.host,
    allowedProfiles: config.adiProfileAllowed ?? [],
    environmentPrefixes: config.envPrefixList ?? [],
    captureLimit: config.captureLimit,
    ringBytes: config.ringBytes,
    queueBytes: config.queueBytes,
    hook: config.hooks,
    containers:
      config.containerdSocket === null
        ? null
        : { socket: config.containerdSocket, namespace: config.containerdNamespace },
  }
}
