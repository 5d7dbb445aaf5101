import { setTimeout as sleep } from 'node:timers/promises'
import { LogError } from '@syscribe/log'
import type { Command } from 'commander'
import { CliError } from '../cli-error.js'
import { clusterKeys } from '../cluster/kafka-connection.js'
import { addConfigFlags, configFrom } from '../config-flags.js'
import { paragraphs } from '../help-text.js'
import type { VerbContext } from '../program.js'

const everyMs = 2_000
/** Rates come of two looks this far apart. */
const onceMs = 1_000

export function addStatus(program: Command, { surroundings }: VerbContext): void {
  const verb = program
    .command('status')
    .summary('show how every part is doing')
    .description(
      paragraphs(
        'Show how every part is doing, as a table that changes until stopped. All of it is read from the log (what parts have committed, what the topics hold, watermarks), so it works from any machine that reaches the brokers, and beside syscribe run. Nothing is changed.',
        'LAG: records of its inputs that a part has not committed. DELAY: age of the newest record it has committed in all of its inputs; it grows while nothing is captured. ERRORS: records that it could not take, in the topic dead-letters. HEARD: how long ago the collector of a host said that all is in the log. LOST: records lost, by cause, since the collector started (in the embedded log: in the last minute).',
      ),
    )
    .option('--once', 'look once, and end')
    .option('--json', 'one JSON object a look instead of tables')
    .addHelpText(
      'after',
      `
Examples:
  syscribe status --brokers broker-1:9092
  syscribe status --once --json | jq '.parts[] | {part, lag}'`,
    )
  addConfigFlags(verb, ['dataDir', ...clusterKeys, 'logLevel'])
  verb.action(async () => {
    const config = configFrom(verb, surroundings.env)
    const { once, json }: { once?: boolean; json?: boolean } = verb.opts()
    const signal = surroundings.stopSignal()
    const { openStatus } = await import('../status/open-status.js')
    const { statusText } = await import('../status/status-text.js')
    const reader = await openStatus(config)
    const { stdout } = surroundings
    try {
      if (once === true) {
        await reader.read()
        await sleep(onceMs, undefined, { signal })
      }
      for (;;) {
        const status = await reader.read().catch((error: unknown) => {
          // A table that goes on says so, and looks again.
          if (once === true || !(error instanceof LogError) || error.code !== 'unavailable') throw error
          return error
        })
        if (status instanceof LogError) {
          await surroundings.stderr.write(`syscribe: ${status.message}\n`)
          await sleep(everyMs, undefined, { signal }).catch(() => {})
          if (signal.aborted) return
          continue
        }
        if (status.parts.every(({ inputs }) => inputs.length === 0) && status.hosts.length === 0 && once === true) {
          throw new CliError('fault', 'there is nothing of Syscribe in this log')
        }
        if (json === true) await stdout.write(`${JSON.stringify(status)}\n`)
        else if (once === true) await stdout.write(statusText(status))
        else {
          // Home, the text with each line cleared to its end, and what is below it cleared (ECMA-48 CUP, EL, ED).
          const text = `${statusText(status)}\n${new Date(status.at).toISOString()}\n`
          await stdout.write(stdout.isTerminal ? `\x1b[H${text.replaceAll('\n', '\x1b[K\n')}\x1b[J` : text)
        }
        if (once === true) return
        await sleep(everyMs, undefined, { signal }).catch(() => {})
        if (signal.aborted) return
      }
    } finally {
      await reader.close()
    }
  })
}
