import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { DemoError, type DemoSystem, startSystem } from '@syscribe/demo'
import { renderMap } from '@syscribe/service-map'
import { Listr } from 'listr2'
import { CliError } from '../cli-error.js'
import { checkCapture } from '../run/check-capture.js'
import type { Surroundings } from '../surroundings.js'
import { type CapturedRun, startCapturedRun } from './captured-run.js'
import { compareCounts, compareMap } from './compare-map.js'
import { freshDemoFiles, handOver } from './demo-files.js'
import { environmentsExcerpt, httpLogExcerpt, serviceMapExcerpt } from './excerpts.js'

export interface DemoOptions {
  seconds: number
  folder: string
}

/**
 * Watches the demo system for a while and shows what came of it.
 * @throws CliError `fault` saying what is missing in the outputs, or what did not start.
 */
export async function runDemo({ seconds, folder }: DemoOptions, surroundings: Surroundings): Promise<void> {
  const { stdout } = surroundings
  checkCapture()
  const files = freshDemoFiles(folder)
  const stop = surroundings.stopSignal()
  let calls: Record<string, number> = {}
  let capture: CapturedRun | undefined
  let system: DemoSystem | undefined

  const stages = new Listr(
    [
      {
        title: 'Syscribe',
        task: async () => {
          capture = await startCapturedRun(files, stop)
        },
      },
      {
        title: 'Demo system',
        task: async (_, task) => {
          system = await startSystem((name) => {
            task.output = name
          }, stop)
        },
      },
      {
        title: `Traffic for ${seconds} s`,
        task: async () => {
          if (capture === undefined || system === undefined) throw new CliError('fault', 'the demo did not start')
          const time = sleep(seconds * 1000, undefined, { signal: stop })
          await Promise.race([time, capture.running, system.running])
        },
      },
      {
        title: 'Stopping, and writing what was captured',
        task: async () => {
          calls = (await system?.stop()) ?? {}
          system = undefined
          await capture?.stop()
          capture = undefined
        },
      },
    ],
    {
      renderer: stdout.isTerminal ? 'default' : 'simple',
      // It would end the process at once; the demo has things to stop first.
      registerSignalListeners: false,
      rendererOptions: { collapseErrors: false },
      exitOnError: true,
    },
  )
  try {
    await stages.run()
  } catch (error) {
    if (stop.aborted) throw new CliError('fault', 'the demo was stopped')
    if (error instanceof DemoError) throw new CliError('fault', error.message, { cause: error })
    throw error
  } finally {
    await system?.stop()
    await capture?.stop().catch(() => {})
    handOver(files)
  }

  const map = JSON.parse(readFileSync(files.serviceMap, 'utf8'))
  const http = httpLogExcerpt(files.httpLog)
  const environments = environmentsExcerpt(files.environments)
  await stdout.write(`
HTTP log: ${files.httpLog} (${http.lines} lines)

${http.text}
Environments: ${files.environments} (${environments.documents} processes)

${environments.text}
Service map: ${files.serviceMap}

${serviceMapExcerpt(files.serviceMap)}
${renderMap(map)}
`)
  const { missing, unexpected } = compareMap(map)
  const faults = [
    ...missing.map((edge) => `missing: ${edge}`),
    ...unexpected.map((edge) => `not expected: ${edge}`),
    ...compareCounts(map, 'traffic-generator', calls),
  ]
  if (faults.length > 0) {
    throw new CliError(
      'fault',
      `the service map is not what the demo did:\n${faults.map((fault) => `  ${fault}\n`).join('')}`,
    )
  }
  const total = Object.values(calls).reduce((sum, count) => sum + count, 0)
  await stdout.write(
    `The map shows every edge of the demo, and all ${total} HTTP calls that traffic-generator counted.\n`,
  )
}
