import type { ChildProcess } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import type { AdoptedProcess } from '../../src/native.js'
import { ended, type Family, start } from './echo-peer.js'
import { fixtureProgram } from './fixture-program.js'

/** Field 22 of /proc/<pid>/stat. */
export function startOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19])
}

/** A process with both ends of a connection: native/hold-connection.c. */
export class HeldConnection {
  readonly child: ChildProcess
  readonly pid: number
  port = 0
  readonly #lines: AsyncIterator<string>
  readonly #ended: Promise<unknown>

  private constructor(family: Family, environment: Record<string, string>) {
    this.child = start(fixtureProgram('hold-connection'), [`${family}`], environment)
    this.pid = this.child.pid as number
    this.#ended = ended(this.child)
    this.#lines = createInterface({ input: this.child.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]()
  }

  static async open(family: Family, environment: Record<string, string>): Promise<HeldConnection> {
    const held = new HeldConnection(family, environment)
    held.port = Number((await held.#lines.next()).value.split(' ')[1])
    return held
  }

  /** Commands of hold-connection.c, one after the other. */
  async tell(commands: string): Promise<void> {
    for (const command of commands) {
      this.child.stdin?.write(command)
      await this.#lines.next()
    }
  }

  async end(): Promise<void> {
    this.child.stdin?.write('q')
    await this.#ended
  }

  /** As a start-up scan would hand it to adoptProcess. */
  adopted(readAt: number): AdoptedProcess {
    return {
      pid: this.pid,
      processStart: startOf(this.pid),
      readAt,
      profile: 'local',
      profileName: null,
      environment: readFileSync(`/proc/${this.pid}/environ`),
      environmentError: null,
    }
  }
}
