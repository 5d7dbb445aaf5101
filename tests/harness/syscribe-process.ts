import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { PrivateNamespaces } from './private-namespaces.js'
import { repository } from './repository.js'

/** The command as it is built. */
export const syscribeBin = `${repository}cli/bin/syscribe.js`

/** A verb of the command that goes on until it is stopped, such as `syscribe process all`. */
export class SyscribeProcess {
  readonly args: readonly string[]
  readonly child: ChildProcess
  stderr = ''
  readonly #exited: Promise<unknown>

  /**
   * @param env the whole environment beside PATH
   * @param host the namespaces of the host to run on; ours, when left out.
   */
  constructor(args: readonly string[], env: Readonly<Record<string, string>>, host?: PrivateNamespaces) {
    this.args = args
    // By its first line, which says how Node is to be started.
    const program = host?.enter(syscribeBin, [...args]) ?? { command: syscribeBin, args: [...args] }
    this.child = spawn(program.command, program.args, {
      env: { PATH: process.env.PATH ?? '', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text
    })
    this.#exited = once(this.child, 'exit')
  }

  /** Resolves when it says that it is ready. @throws when it ends before, with its stderr. */
  async ready(): Promise<this> {
    for await (const line of createInterface({ input: this.child.stdout as NodeJS.ReadableStream })) {
      if (line.startsWith('ready')) return this
    }
    throw new Error(`syscribe ${this.args.join(' ')} ended before it was ready:\n${this.stderr}`)
  }

  get running(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null
  }

  async kill9(): Promise<void> {
    if (!this.running) return
    this.child.kill('SIGKILL')
    await this.#exited
  }

  /** SIGTERM, then waits for the end; returns the exit code. */
  async stop(): Promise<number | null> {
    if (this.running) this.child.kill('SIGTERM')
    await this.#exited
    return this.child.exitCode
  }
}
