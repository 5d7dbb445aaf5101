import type { Container, ContainerHost } from '@syscribe/schemas'
import pino from 'pino'
import { ContainerWatcher } from '../../src/containers/container-watcher.js'

const identity = { host: 'h', boot: Buffer.alloc(16, 7) }

/** A watcher that runs, with everything it has told so far. */
export class Watching {
  readonly watcher: ContainerWatcher
  readonly containers: Container[] = []
  readonly hosts: ContainerHost[] = []
  readonly watermarks: number[] = []
  readonly logged: { level: number; msg: string; code?: string; reason?: string }[] = []

  constructor(socket: string, namespace = 'default') {
    const logger = pino({ level: 'debug' }, { write: (line: string) => this.logged.push(JSON.parse(line)) })
    this.watcher = new ContainerWatcher({ socket, namespace }, identity, logger)
  }

  /** Watches until the test ends; resolves when what runs has been listed. */
  static async start(atEnd: (end: () => unknown) => void, socket: string, namespace?: string): Promise<Watching> {
    const watching = new Watching(socket, namespace)
    atEnd(() => watching.stop())
    await watching.watcher.ready()
    return watching
  }

  /** Takes what is new, as the collector does each round. */
  take(time = Date.now() * 1000): void {
    this.#add(this.watcher.take({ time, timeNanos: 0 }))
  }

  async stop(): Promise<void> {
    await this.watcher.stop()
    this.#add(this.watcher.rest({ time: Date.now() * 1000, timeNanos: 0 }))
  }

  /** Takes until something holds. @throws after half a minute, with what was told */
  async until<T>(holds: () => T | undefined | false): Promise<T> {
    for (const end = Date.now() + 30_000; ; ) {
      this.take()
      const found = holds()
      if (found !== undefined && found !== false) return found
      if (Date.now() > end) throw new Error(`not told in time; told was ${JSON.stringify(this.containers, null, 1)}`)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }

  /** What is told of a container, the latest record of each run, by its beginning. */
  runs(name: string): Container[] {
    const latest = new Map<number, Container>()
    for (const container of this.containers) if (container.name === name) latest.set(container.from, container)
    return [...latest.values()].sort((a, b) => a.from - b.from)
  }

  #add(round: ReturnType<ContainerWatcher['take']>): void {
    const watermark = this.watermarks.at(-1) ?? Number.NEGATIVE_INFINITY
    for (const { kind, value } of round.records) {
      if (value.time < watermark) throw new Error(`${kind} of ${value.time} after the watermark of ${watermark}`)
      if (kind === 'Container') this.containers.push(value)
      else this.hosts.push(value)
    }
    if (round.watermark.time < watermark) throw new Error('the watermark went back')
    this.watermarks.push(round.watermark.time)
  }
}
