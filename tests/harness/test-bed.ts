import type { TestBroker } from '@syscribe/test-broker'
import { endings } from './at-end.js'
import { clusterEnvironment } from './cluster.js'
import { node, run, type Server, startServer } from './program.js'
import { Outputs, Syscribe } from './syscribe.js'
import { SyscribeProcess } from './syscribe-process.js'

/**
 * What the tests of one file start: programs that opt in with a profile of this file's own, Syscribe, which watches that
 * profile, and its outputs. After each test all of it is ended and removed, the last begun first. Make one per test file.
 */
export class TestBed {
  /** The value of ADI_PROFILE. */
  readonly profile: string
  /** Has something else ended, too. */
  readonly atEnd = endings()

  /** @param name of the test file */
  constructor(name: string) {
    this.profile = `${name}-${process.pid}`
  }

  /** The environment of a program that opts in. */
  environment(name: string): Record<string, string> {
    return { ADI_PROFILE: this.profile, ADI_PROFILE_NAME: name }
  }

  /** Settings of a system of its own on a cluster, which watches the profile. */
  onCluster({ brokers }: TestBroker, outputs: Outputs, partitions?: number): Record<string, string> {
    return { ...clusterEnvironment(brokers, partitions), ...outputs.environment, ADI_PROFILE_ALLOWED: this.profile }
  }

  outputs(): Outputs {
    const outputs = new Outputs()
    this.atEnd(() => outputs.remove())
    return outputs
  }

  /** A profiled server that sends back what it gets. */
  async echo(name = 'echo'): Promise<Server> {
    const env = this.environment(name)
    const echo = await startServer((port) => ({ ...node('server.mjs', `${port}`), env }))
    this.atEnd(echo.stop)
    return echo
  }

  /** A profiled client of an echo server; returns how many of its requests were answered rightly. */
  async client(port: number, count: number, name = 'client'): Promise<number> {
    const program = node('client.mjs', `http://127.0.0.1:${port}`, `${count}`)
    return Number((await run({ ...program, env: this.environment(name) })).stdout)
  }

  /** `syscribe run` that watches the profile. Resolves when capture is on. */
  async run(settings: Record<string, string> = {}, outputs = this.outputs()): Promise<Syscribe> {
    const syscribe = await Syscribe.start({ ADI_PROFILE_ALLOWED: this.profile, ...settings }, outputs)
    this.atEnd(() => syscribe.kill9())
    return syscribe
  }

  /** Another verb of the command, such as `process all`. Resolves when it says that it is ready. */
  async start(args: readonly string[], env: Readonly<Record<string, string>>): Promise<SyscribeProcess> {
    const started = new SyscribeProcess(args, env)
    this.atEnd(() => started.kill9())
    return started.ready()
  }
}
