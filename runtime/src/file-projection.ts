import type { TopicName } from '@syscribe/schemas'
import type { InputRecord, KeyedState } from './processor.js'
import type { Projection, ProjectionInstance } from './projection.js'
import { ReplacedFile } from './replaced-file.js'

/** Between two writes of a file that keeps changing, milliseconds. */
const pauseMs = 1000

export interface FileProjection<S> {
  /** Kebab case. Also names its consumer group. */
  readonly name: string
  readonly topics: readonly TopicName[]
  /** Raised when the shape of the state changes: the state kept is then left, and the output built anew. Default 1. */
  readonly version?: number
  /** Takes one record into the state. An exception sends the record to the dead-letter topic. */
  apply(input: InputRecord, state: KeyedState<S>): void
  /**
   * The whole text of the file: from the state alone, without clock or chance, so that a replay gives the same file. The
   * entries of the state come in no fixed order: sort what is written.
   */
  render(state: KeyedState<S>): string
}

/**
 * A projection whose output is one text file, written anew from the state while it changes: at most once a second, and
 * at the end. A reader sees the old file or the new one, never half of one. The values of the state are what JSON can
 * hold: objects, arrays, text, numbers.
 *
 * For output that only grows implement `Projection` with an `AppendFile`.
 */
export function fileProjection<S>({ name, topics, version = 1, apply, render }: FileProjection<S>): Projection<S> {
  return {
    name,
    topics,
    state: {
      version,
      encode: (value) => Buffer.from(JSON.stringify(value)),
      decode: (bytes) => JSON.parse(bytes.toString()),
    },
    async open(target): Promise<ProjectionInstance<S>> {
      const file = await ReplacedFile.open(target)
      // What lies at the target may be of another state: the first flush writes.
      let stale = true
      let nextWrite = 0
      return {
        apply(input, state) {
          stale = true
          apply(input, state)
        },
        async flush(state, last) {
          if (stale && (last || performance.now() >= nextWrite)) {
            await file.replace([Buffer.from(render(state))], last)
            stale = false
            nextWrite = performance.now() + pauseMs
          }
          return name
        },
        async close() {},
      }
    },
  }
}
