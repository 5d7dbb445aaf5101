import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { DemoError } from './demo-error.js'

export interface DemoSystem {
  /** Rejects when a part of the demo ends before `stop`; never resolves before it. */
  readonly running: Promise<void>
  /** Ends every process of the demo; how often traffic-generator called which endpoint, by `METHOD /path`. */
  stop(): Promise<Record<string, number>>
}

/** Namespaces of the demo: its own network, /etc/hosts, and pids, so that the kernel ends all of it with its first. */
const namespaces = ['--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc']

/**
 * Starts the demo's servers and programs; resolves when all of them work. Needs root.
 * @param onStarting called with each name as it starts.
 * @param signal aborted: the start is given up.
 * @throws DemoError `server_missing`, `not_ready`, `ended_early`, `namespace_refused`
 */
export async function startSystem(onStarting: (name: string) => void, signal?: AbortSignal): Promise<DemoSystem> {
  const inside = fileURLToPath(new URL('world.js', import.meta.url))
  // Nothing of the caller's environment: what opts in is what the demo says.
  const env = { PATH: process.env.PATH ?? '/usr/sbin:/usr/bin:/sbin:/bin' }
  const child = spawn('unshare', [...namespaces, process.execPath, inside], {
    env,
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  })
  // Its stdin is how it learns that we are gone, however we went.
  const giveUp = () => child.stdin.end()
  signal?.addEventListener('abort', giveUp)
  child.stdin.on('error', () => {})
  let calls: Record<string, number> = {}
  let errors = ''
  let stopping = false
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors = (errors + text).slice(-2000)
  })

  let failed: (error: DemoError) => void = () => {}
  const running = new Promise<void>((resolve, reject) => {
    failed = reject
    child.once('close', () => {
      if (stopping) resolve()
      else
        reject(new DemoError('ended_early', `the demo system ended early${errors === '' ? '' : `: ${errors.trim()}`}`))
    })
    child.once('error', (cause) =>
      reject(new DemoError('namespace_refused', `cannot start unshare: ${cause.message}`, { cause })),
    )
  })
  running.catch(() => {})

  const closed = new Promise<void>((resolve) => {
    child.once('close', () => resolve())
    child.once('error', () => resolve())
  })
  await new Promise<void>((resolve, reject) => {
    running.catch(reject)
    createInterface({ input: child.stdout }).on('line', (line) => {
      const word = JSON.parse(line)
      if (word.event === 'starting') onStarting(word.name)
      else if (word.event === 'ready') resolve()
      else if (word.event === 'failed') failed(new DemoError(word.code, word.message))
      else if (word.event === 'stopped') calls = word.calls
    })
  }).catch(async (error: unknown) => {
    stopping = true
    child.stdin.end()
    await closed
    throw namespaceError(errors) ?? error
  })
  signal?.removeEventListener('abort', giveUp)

  return {
    running,
    async stop() {
      stopping = true
      child.stdin.end()
      await closed
      return calls
    },
  }
}

function namespaceError(errors: string): DemoError | undefined {
  if (!errors.includes('unshare:')) return undefined
  return new DemoError('namespace_refused', `the kernel gives the demo no network of its own: ${errors.trim()}`)
}
