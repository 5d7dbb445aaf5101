import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadAll } from 'js-yaml'
import type { PrivateNamespaces } from './private-namespaces.js'
import { SyscribeProcess } from './syscribe-process.js'

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
export class Syscribe extends SyscribeProcess {
  readonly outputs: Outputs
  private constructor(outputs: Outputs, env: Record<string, string>, host?: PrivateNamespaces) {
    super(['run'], { ...outputs.environment, ...env }, host)
    this.outputs = outputs
  }

  /**
   * Resolves when capture is on.
   * @param host the namespaces of the host to run on; ours, when left out.
   */
  static start(env: Record<string, string> = {}, outputs = new Outputs(), host?: PrivateNamespaces): Promise<Syscribe> {
    return new Syscribe(outputs, env, host).ready()
  }

  /** Ends the process at once and removes what it wrote: for afterEach. */
  async dispose(): Promise<void> {
    await this.kill9()
    this.outputs.remove()
  }
}
