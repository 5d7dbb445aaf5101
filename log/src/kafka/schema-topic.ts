import { LogError } from '../errors.js'
import type { Producer, Reader, TopicSettings } from '../log.js'
import { BatchBuilder } from '../record-batch.js'
import { RecordCursor } from '../record-cursor.js'
import { schemaFingerprint } from './canonical-form.js'
import { singleObjectFrame } from './framing.js'
import type { Schemas } from './schemas.js'
import { ownTopics } from './topics.js'

/** What the topic of schemas needs of the log. */
export interface SchemaLog {
  create(settings: TopicSettings): Promise<void>
  producer(): Promise<Producer>
  reader(): Promise<Reader>
  /** Where the partition ends; null when there is no such topic. */
  end(topic: string): Promise<number | null>
}

const noFrame = singleObjectFrame(0n)
const topic = ownTopics.schemas
const settings: TopicSettings = {
  topic,
  partitions: 1,
  cleanup: 'compact',
  retentionMs: null,
  retentionBytes: null,
}

interface Known {
  text: string
  frame: Uint8Array
}

/**
 * Schemas without a registry: each is a record of a compacted topic, its key the CRC-64-AVRO fingerprint of its canonical
 * form in hexadecimal digits, its value its JSON text. Two texts with one canonical form are one schema.
 */
export class SchemaTopic implements Schemas {
  readonly #log: SchemaLog
  readonly #known = new Map<number, Known>()
  #next = 0
  #reading: Promise<void> | undefined
  #producer: Promise<Producer> | undefined

  constructor(log: SchemaLog) {
    this.#log = log
  }

  async register(_topic: string, schema: object): Promise<number> {
    const fingerprint = schemaFingerprint(schema)
    const id = Number(fingerprint & 0xffffffffn)
    if (this.#same(id, fingerprint)) return id
    await this.#read()
    if (this.#same(id, fingerprint)) return id
    await this.#log.create(settings)
    const batch = new BatchBuilder(0, 4096)
    const text = JSON.stringify(schema)
    batch.append({ timestamp: Date.now(), key: Buffer.from(hex(fingerprint)), value: Buffer.from(text) })
    this.#producer ??= this.#log.producer()
    await (await this.#producer).append([{ topic, partition: 0, batch: batch.take() }])
    this.#add(fingerprint, text)
    return id
  }

  async schema(id: number): Promise<object> {
    await this.prepare(id)
    const known = this.#known.get(id)
    if (known === undefined) throw unknown(id)
    return JSON.parse(known.text) as object
  }

  async prepare(id: number): Promise<void> {
    if (id === 0 || this.#known.has(id)) return
    await this.#read()
    if (!this.#known.has(id)) throw unknown(id)
  }

  frame(id: number): Uint8Array {
    if (id === 0) return noFrame
    const known = this.#known.get(id)
    if (known === undefined) throw unknown(id)
    return known.frame
  }

  /** @throws LogError `invalid` when another schema has the id */
  #same(id: number, fingerprint: bigint): boolean {
    const known = this.#known.get(id)
    if (known === undefined && id !== 0) return false
    if (known !== undefined && Buffer.compare(known.frame, singleObjectFrame(fingerprint)) === 0) return true
    throw new LogError('invalid', `the schema ${hex(fingerprint)} cannot be told from another of the id ${id}`)
  }

  #add(fingerprint: bigint, text: string): void {
    const id = Number(fingerprint & 0xffffffffn)
    if (!this.#known.has(id)) this.#known.set(id, { text, frame: singleObjectFrame(fingerprint) })
  }

  /** What has come since the last time. */
  #read(): Promise<void> {
    this.#reading ??= this.#readOn().finally(() => {
      this.#reading = undefined
    })
    return this.#reading
  }

  async #readOn(): Promise<void> {
    const end = await this.#log.end(topic)
    if (end === null || end <= this.#next) return
    const reader = await this.#log.reader()
    try {
      await reader.assign([{ topic, partition: 0, offset: this.#next === 0 ? 'earliest' : this.#next }])
      const cursor = new RecordCursor()
      while (this.#next < end) {
        for (const { batch, nextOffset } of await reader.poll({ waitMs: 1000 })) {
          cursor.reset(batch)
          while (cursor.next()) {
            const [key, value] = [cursor.key(), cursor.value()]
            if (key !== null && value !== null) this.#add(BigInt(`0x${key}`), value.toString())
          }
          this.#next = nextOffset
        }
      }
    } finally {
      await reader.close()
    }
  }
}

function hex(fingerprint: bigint): string {
  return fingerprint.toString(16).padStart(16, '0')
}

function unknown(id: number): LogError {
  return new LogError('unknown_schema', `the log has no schema with the id ${id}`)
}
