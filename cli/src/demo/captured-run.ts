import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { CliError } from '../cli-error.js'
import type { DemoFiles } from './demo-files.js'

export interface CapturedRun {
  /** Rejects when it ends before `stop`; never resolves before it. */
  readonly running: Promise<void>
  /** Asks it to end and waits until everything is written. */
  stop(): Promise<void>
}

const readyMs = 60_000
const stopMs = 60_000

/**
 * Starts `syscribe run` as a process of its own, as a user would; resolves when it is ready.
 * @param signal aborted: the start is given up.
 * @throws CliError `fault` with what it said.
 */
export async function startCapturedRun(files: DemoFiles, signal: AbortSignal): Promise<CapturedRun> {
  const command = fileURLToPath(new URL('../../bin/syscribe.js', import.meta.url))
  const env = {
    PATH: process.env.PATH ?? '/usr/sbin:/usr/bin:/sbin:/bin',
    OUTPUT_PATH: files.httpLog,
    ENV_OUTPUT_PATH: files.environments,
    SERVICE_MAP_PATH: files.serviceMap,
    SYSCRIBE_DATA_DIR: files.eventLog,
    ADI_PROFILE_ALLOWED: 'local',
    SYSCRIBE_LOG_LEVEL: 'warn',
  }
  // It must end with the demo even when that is killed; and Ctrl-C is for the demo, which then stops it in its turn.
  const child = spawn('setpriv', ['--pdeathsig', 'TERM', process.execPath, command, 'run'], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-4000)
  })
  const giveUp = () => child.kill('SIGTERM')
  signal.addEventListener('abort', giveUp)
  let stopping = false
  const running = new Promise<void>((resolve, reject) => {
    child.once('error', (cause) =>
      reject(new CliError('fault', `cannot start syscribe run: ${cause.message}`, { cause })),
    )
    child.once('close', (code, signal) => {
      if (stopping && code === 0) resolve()
      else
        reject(new CliError('fault', `syscribe run ended with ${signal ?? code}: ${said.trim() || 'it said nothing'}`))
    })
  })
  running.catch(() => {})
  const ready = new Promise<void>((resolve) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line.startsWith('ready')) resolve()
    })
  })
  await Promise.race([
    ready,
    running,
    timeout(readyMs, () => `syscribe run is not ready after ${readyMs / 1000} s: ${said}`),
  ])
  signal.removeEventListener('abort', giveUp)
  return {
    running,
    async stop() {
      stopping = true
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM')
      try {
        await Promise.race([
          running,
          timeout(stopMs, () => `syscribe run does not end after ${stopMs / 1000} s: ${said}`),
        ])
      } catch (error) {
        if (child.exitCode === null && child.signalCode === null && child.kill('SIGKILL')) await once(child, 'close')
        throw error
      }
    },
  }
}

function timeout(ms: number, message: () => string): Promise<never> {
  return new Promise((_, reject) => {
    setTimeout(() => reject(new CliError('fault', message())), ms).unref()
  })
}
