import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { run } from './program.js'
import { syscribeBin } from './syscribe.js'

/** One process of a system on a cluster, such as `syscribe process all`. */
export class Part {
  readonly args: readonly string[]
  readonly child: ChildProcess
  stderr = ''
  readonly #exited: Promise<unknown>

  constructor(args: readonly string[], env: Readonly<Record<string, string>>) {
    this.args = args
    this.child = spawn(process.execPath, [syscribeBin, ...args], {
      env: { PATH: process.env.PATH ?? '', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text
    })
    this.#exited = once(this.child, 'exit')
  }

  /** Starts it and waits until it says that it is ready. */
  static async start(args: readonly string[], env: Readonly<Record<string, string>>): Promise<Part> {
    const part = new Part(args, env)
    for await (const line of createInterface({ input: part.child.stdout as NodeJS.ReadableStream })) {
      if (line.startsWith('ready')) return part
    }
    throw new Error(`syscribe ${args.join(' ')} ended before it was ready:\n${part.stderr}`)
  }

  get running(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null
  }

  async kill9(): Promise<void> {
    if (!this.running) return
    this.child.kill('SIGKILL')
    await this.#exited
  }

  /** SIGTERM; returns the exit code. */
  async stop(): Promise<number | null> {
    if (this.running) this.child.kill('SIGTERM')
    await this.#exited
    return this.child.exitCode
  }
}

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
  parts: { part: string; lag: number; errors: number; inputs: { end: number }[] }[]
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
 */
export async function caughtUp(
  env: Record<string, string>,
  parts: readonly string[],
  running: readonly Part[],
): Promise<ClusterStatus> {
  let before = ''
  for (;;) {
    for (const part of running)
      if (!part.running) throw new Error(`syscribe ${part.args.join(' ')} ended:\n${part.stderr}`)
    const status = await statusOf(env)
    const known = status.parts.filter(({ inputs }) => inputs.length > 0)
    const ends = JSON.stringify(known.map(({ part, inputs }) => [part, inputs.map(({ end }) => end)]))
    const all = parts.every((name) => known.some(({ part }) => part === name || part.startsWith(`${name}@`)))
    if (all && known.every(({ lag }) => lag === 0) && ends === before) return status
    before = ends
    await sleep(500)
  }
}
