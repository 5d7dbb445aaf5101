import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { DemoError } from './demo-error.js'

export interface MemberOptions {
  name: string
  program: string
  args: readonly string[]
  env: NodeJS.ProcessEnv
  uid?: number
  gid?: number
  cwd?: string
  stopSignal?: NodeJS.Signals
  /** Called when it ends without having been stopped. */
  onEarlyEnd(error: DemoError): void
}

const keptLines = 20

/** One program or server of the demo, from its start to its end. */
export class Member {
  readonly name: string
  readonly #child: ChildProcess
  readonly #lines: string[] = []
  readonly #waiting = new Set<() => void>()
  readonly #ended: Promise<void>
  readonly #stopSignal: NodeJS.Signals
  #stopping = false
  #running = true

  constructor(options: MemberOptions) {
    this.name = options.name
    this.#stopSignal = options.stopSignal ?? 'SIGTERM'
    const { env, uid, gid, cwd } = options
    const owner = uid === undefined || gid === undefined ? {} : { uid, gid }
    this.#child = spawn(options.program, options.args, {
      env,
      ...owner,
      ...(cwd === undefined ? {} : { cwd }),
      stdio: ['ignore', 'pipe', 'pipe'],
      // A Ctrl-C of the terminal is for the demo, which stops its members in their order.
      detached: true,
    })
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      if (stream !== null) createInterface({ input: stream }).on('line', (line) => this.#take(line))
    }
    this.#ended = new Promise((resolve) => {
      const end = (why: string) => {
        if (!this.#running) return
        this.#running = false
        resolve()
        for (const wake of this.#waiting) wake()
        if (!this.#stopping) {
          options.onEarlyEnd(new DemoError('ended_early', `${this.name} ended early (${why})${this.#said()}`))
        }
      }
      this.#child.once('error', (error) => end(error.message))
      // 'close', not 'exit': all it wrote has then been read.
      this.#child.once('close', (code, signal) => end(signal ?? `exit code ${code}`))
    })
  }

  /** The newest line that begins so. */
  line(beginning: string): string | undefined {
    return this.#lines.findLast((line) => line.startsWith(beginning))
  }

  /** @throws DemoError `not_ready` after `timeoutMs`, or when it ends before. */
  async waitForLine(beginning: string, timeoutMs: number): Promise<void> {
    await this.waitUntil(async () => this.line(beginning) !== undefined, timeoutMs)
  }

  /** Asks again and again until `isReady` says so; what it throws counts as no. */
  async waitUntil(isReady: () => Promise<boolean>, timeoutMs: number): Promise<void> {
    const deadline = Date.now() + timeoutMs
    for (;;) {
      if (await isReady().catch(() => false)) return
      if (!this.#running) throw new DemoError('not_ready', `${this.name} ended at its start${this.#said()}`)
      if (Date.now() > deadline) {
        throw new DemoError('not_ready', `${this.name} is not ready after ${timeoutMs / 1000} s${this.#said()}`)
      }
      await this.#news(100)
    }
  }

  /** Asks it to end; after `graceMs` it is ended. */
  async stop(graceMs: number): Promise<void> {
    this.#stopping = true
    if (!this.#running) return
    this.#child.kill(this.#stopSignal)
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), graceMs)
    await this.#ended
    clearTimeout(timer)
  }

  #take(line: string): void {
    this.#lines.push(line)
    if (this.#lines.length > keptLines) this.#lines.shift()
    for (const wake of this.#waiting) wake()
  }

  #said(): string {
    return this.#lines.length === 0 ? '' : `: ${this.#lines.slice(-5).join(' | ')}`
  }

  #news(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer)
        this.#waiting.delete(wake)
        resolve()
      }
      const timer = setTimeout(wake, timeoutMs)
      this.#waiting.add(wake)
    })
  }
}
