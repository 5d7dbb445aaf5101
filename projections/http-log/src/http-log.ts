import {
  AppendFile,
  type InputRecord,
  type Projection,
  type ProjectionInstance,
  type ProjectionSettings,
} from '@syscribe/runtime'
import { TopicCodec, type TrafficConnection, TrafficMessageView } from '@syscribe/schemas'
import { writeConnectionLine } from './connection-line.js'
import { LineBuffer } from './line-buffer.js'
import { writeMessageLine } from './message-line.js'

/**
 * The HTTP log: a JSON line for every HTTP message of every observed process, and for every classified connection, in
 * the order of the topic `traffic`. It remembers nothing but how far its file is written.
 */
export const httpLog: Projection<null> = {
  name: 'http-log',
  topics: ['traffic'],
  state: { version: 1, encode: () => new Uint8Array(0), decode: () => null },
  async open(target, metadata, settings) {
    return new HttpLog(await AppendFile.open(target, metadata, settings.warn), settings)
  },
}

class HttpLog implements ProjectionInstance<null> {
  readonly begun: string
  readonly #file: AppendFile
  readonly #rawPayload: boolean
  readonly #lines = new LineBuffer()
  readonly #view = new TrafficMessageView()
  /** Brings records of other schema versions into the form the view reads. */
  readonly #codec = new TopicCodec('traffic')

  constructor(file: AppendFile, settings: ProjectionSettings) {
    this.begun = file.mark
    this.#file = file
    this.#rawPayload = settings.rawPayload
  }

  apply(input: InputRecord): void {
    const before = this.#lines.length
    try {
      const kind = input.codec.kindOf(input.value)
      if (kind === 'TrafficMessage') {
        this.#view.read(this.#current(input))
        writeMessageLine(this.#lines, this.#view, this.#rawPayload)
      } else if (kind === 'TrafficConnection') {
        writeConnectionLine(this.#lines, input.codec.decode(input.value).value as TrafficConnection)
      }
    } catch (error) {
      this.#lines.length = before
      throw error
    }
  }

  async flush(): Promise<string> {
    await this.#file.append(this.#lines.written)
    this.#lines.clear()
    // The mark is committed durably; behind a loss of power the file may not be shorter than it says.
    await this.#file.sync()
    return this.#file.mark
  }

  async close(): Promise<void> {
    await this.#file.close()
  }

  #current(input: InputRecord): Buffer {
    if (input.codec.isCurrent('TrafficMessage')) return input.value
    const { value } = input.codec.decode(input.value)
    return this.#codec.encode('TrafficMessage', value as never)
  }
}
