import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { run } from './program.js'
import { type SyscribeProcess, syscribeBin } from './syscribe-process.js'

/** Settings of a system of its own on shared brokers. */
export function clusterEnvironment(brokers: readonly string[], partitions = 2): Record<string, string> {
  return {
    KAFKA_BROKERS: brokers.join(','),
    KAFKA_TOPIC_PREFIX: `test-${randomBytes(6).toString('hex')}.`,
    KAFKA_PARTITIONS: `${partitions}`,
    SYSCRIBE_LOG_LEVEL: 'warn',
  }
}

export interface ClusterStatus {
  hosts: { host: string; ended: boolean; spoolBytes: number | null; lost: Record<string, number> }[]
  parts: PartStatus[]
}

interface PartStatus {
  part: string
  /** Records in its inputs that it has not committed. */
  lag: number
  errors: number
  inputs: { topic: string; partition: number; committed: number; end: number }[]
}

/** What `syscribe status --once --json` says. */
export async function statusOf(env: Record<string, string>): Promise<ClusterStatus> {
  const args = [syscribeBin, 'status', '--once', '--json']
  return JSON.parse((await run({ command: process.execPath, args, env })).stdout)
}

/**
 * Waits until all parts have taken all there is: nothing comes any more, and nothing is left.
 * @param parts that there must be at least
 * @param running processes that must not end meanwhile
 * @param withinMs shorter than the test may take, so that the error is this one
 * @throws when one of `running` ends, or after `withinMs`: which part is missing, or how much it lags and where.
 */
export async function caughtUp(
  env: Record<string, string>,
  parts: readonly string[],
  running: readonly SyscribeProcess[],
  withinMs = 240_000,
): Promise<ClusterStatus> {
  const until = Date.now() + withinMs
  let before = ''
  for (;;) {
    for (const part of running)
      if (!part.running) throw new Error(`syscribe ${part.args.join(' ')} ended:\n${part.stderr}`)
    const status = await statusOf(env)
    const known = status.parts.filter(({ inputs }) => inputs.length > 0)
    const ends = JSON.stringify(known.map(({ part, inputs }) => [part, inputs.map(({ end }) => end)]))
    const missing = parts.filter((name) => !known.some(({ part }) => part === name || part.startsWith(`${name}@`)))
    if (missing.length === 0 && known.every(({ lag }) => lag === 0) && ends === before) return status
    if (Date.now() > until) {
      const said = running.map(({ args, stderr }) => `syscribe ${args.join(' ')} said:\n${stderr}`)
      const standing = [...missing.map((name) => `${name} has committed nothing`), ...known.flatMap(lagsOf)]
      const still = standing.length > 0 ? standing : [`no lag, but records still come: ${before}, then ${ends}`]
      throw new Error(`not caught up within ${withinMs / 1000} s:\n${[...still, ...said].join('\n')}`)
    }
    before = ends
    await sleep(500)
  }
}

/** A line for every partition of which a part has not committed all. */
function lagsOf({ part, inputs }: PartStatus): string[] {
  return inputs
    .filter(({ committed, end }) => committed < end)
    .map(({ topic, partition, committed, end }) => {
      return `${part} lags ${end - committed} records in partition ${partition} of ${topic} (${committed} of ${end})`
    })
}
