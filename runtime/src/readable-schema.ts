import type { Log } from '@syscribe/log'
import { TopicCodec, type TopicName } from '@syscribe/schemas'
import { ownCodec } from './own-codec.js'

/** What the runtime does with a record, told from its union branch. */
export const recordClass = { unknown: 0, data: 1, watermark: 2, unreadable: 3 } as const
export type RecordClass = (typeof recordClass)[keyof typeof recordClass]

/** How to read the records of one batch. */
export interface ReadableSchema {
  readonly codec: TopicCodec<TopicName>
  /** RecordClass by the first byte of a record. */
  readonly classes: Uint8Array
  /** Why nothing of it can be read; null when it can. */
  readonly fault: string | null
}

/** Codecs by the schema their records were written with, made once. */
export class ReadableSchemas {
  readonly #log: Log
  readonly #known = new Map<string, Map<number, ReadableSchema>>()

  constructor(log: Log) {
    this.#log = log
  }

  /** A schema met before. */
  get(topic: TopicName, id: number): ReadableSchema | undefined {
    return this.#known.get(topic)?.get(id)
  }

  /** `id` as in the batch; 0 stands for this version's own schema. */
  async load(topic: TopicName, id: number): Promise<ReadableSchema> {
    const schema = await this.#make(topic, id)
    const ofTopic = this.#known.get(topic) ?? new Map<number, ReadableSchema>()
    this.#known.set(topic, ofTopic.set(id, schema))
    return schema
  }

  async #make(topic: TopicName, id: number): Promise<ReadableSchema> {
    const own = ownCodec(topic) as unknown as TopicCodec<TopicName>
    if (id === 0) return readable(own)
    try {
      const written = await this.#log.schema(id)
      // Our own schema needs no resolving, which makes reading faster.
      if (JSON.stringify(written) === JSON.stringify(own.schema)) return readable(own)
      return readable(new TopicCodec(topic, written as typeof own.schema) as unknown as TopicCodec<TopicName>)
    } catch (error) {
      const code = (error as { code?: unknown }).code
      if (code !== 'schema_incompatible' && code !== 'unknown_schema') throw error
      return {
        codec: own,
        classes: new Uint8Array(256).fill(recordClass.unreadable),
        fault: `${code}: ${(error as Error).message}`,
      }
    }
  }
}

function readable(codec: TopicCodec<TopicName>): ReadableSchema {
  const classes = new Uint8Array(256)
  for (let byte = 0; byte < 256; byte++) {
    const kind = codec.kindOf(Uint8Array.of(byte))
    classes[byte] =
      kind === undefined ? recordClass.unknown : kind === 'Watermark' ? recordClass.watermark : recordClass.data
  }
  return { codec, classes, fault: null }
}
