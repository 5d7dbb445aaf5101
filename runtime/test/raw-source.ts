import type { Log } from '@syscribe/log'
import { Appender } from './test-log.js'

/** Writes raw records of one host, two milliseconds apart: losses, and before each fifth a process that exits. */
export class RawSource {
  #number = 0
  readonly #log: Log
  constructor(log: Log) {
    this.#log = log
  }

  /** @param final nothing comes after these */
  async append(count: number, final = false): Promise<void> {
    const appender = await Appender.open(this.#log)
    for (let index = 0; index < count; index++) {
      const number = this.#number++
      const time = 1000 + number * 2
      if (number % 5 === 0) await appender.exits([[time, number]])
      await appender.losses([[time, number]])
    }
    for (const topic of ['processes', 'syscalls'] as const) {
      await appender.watermark(topic, 1000 + this.#number * 2, 'a', final)
    }
  }
}
