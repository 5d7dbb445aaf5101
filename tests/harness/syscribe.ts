import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { loadAll } from 'js-yaml'
import type { PrivateNamespaces } from './private-namespaces.js'
import { repository } from './repository.js'

/** The command as it is built. */
export const syscribeBin = `${repository}cli/bin/syscribe.js`

/** A line of the HTTP log. */
export type Line = Record<string, unknown> & { event_type?: 'connection'; cmdline: string; pid: number }

export interface ServiceMap {
  generated_at: string
  services: {
    name: string
    image?: string
    endpoints: Record<string, unknown>[]
    connections: Record<string, unknown>[]
  }[]
}

/** The three outputs and the log of one run, in a directory of their own. */
export class Outputs {
  readonly directory: string
  constructor(directory = mkdtempSync(join(tmpdir(), 'syscribe-test-'))) {
    this.directory = directory
  }
  get httpLog() {
    return join(this.directory, 'http.log')
  }
  get envYaml() {
    return join(this.directory, 'env.yaml')
  }
  get serviceMap() {
    return join(this.directory, 'map.json')
  }
  get dataDir() {
    return join(this.directory, 'data')
  }
  /** Settings that lead a run here. */
  get environment(): Record<string, string> {
    return {
      OUTPUT_PATH: this.httpLog,
      ENV_OUTPUT_PATH: this.envYaml,
      SERVICE_MAP_PATH: this.serviceMap,
      SYSCRIBE_DATA_DIR: this.dataDir,
    }
  }
  lines(): Line[] {
    const text = readFileSync(this.httpLog, 'utf8')
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line))
  }
  documents(): Record<string, unknown>[] {
    return loadAll(readFileSync(this.envYaml, 'utf8')) as Record<string, unknown>[]
  }
  map(): ServiceMap {
    return JSON.parse(readFileSync(this.serviceMap, 'utf8'))
  }
  remove(): void {
    rmSync(this.directory, { recursive: true, force: true })
  }
}

/** `syscribe run` as a user starts it. */
export class Syscribe {
  readonly outputs: Outputs
  readonly child: ChildProcess
  stderr = ''
  private constructor(child: ChildProcess, outputs: Outputs) {
    this.child = child
    this.outputs = outputs
  }

  /**
   * Resolves when capture is on.
   * @param host the namespaces of the host to run on; ours, when left out.
   */
  static async start(
    env: Record<string, string> = {},
    outputs = new Outputs(),
    host?: PrivateNamespaces,
  ): Promise<Syscribe> {
    const args = [syscribeBin, 'run']
    const program = host?.enter(process.execPath, args) ?? { command: process.execPath, args }
    const child = spawn(program.command, program.args, {
      env: { PATH: process.env.PATH ?? '', ...outputs.environment, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const syscribe = new Syscribe(child, outputs)
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      syscribe.stderr += text
    })
    for await (const line of createInterface({ input: child.stdout as NodeJS.ReadableStream })) {
      if (line.startsWith('ready')) return syscribe
    }
    throw new Error(`syscribe run ended before it was ready:\n${syscribe.stderr}`)
  }

  /** SIGTERM, then waits for the end; returns the exit code. */
  async stop(): Promise<number | null> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return this.child.exitCode
    const ended = once(this.child, 'exit')
    this.child.kill('SIGTERM')
    await ended
    return this.child.exitCode
  }

  /** Ends the process at once and removes what it wrote: for afterEach. */
  async dispose(): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const ended = once(this.child, 'exit')
      this.child.kill('SIGKILL')
      await ended
    }
    this.outputs.remove()
  }
}
