import { LogError } from '../errors.js'
import type { Retention, TopicSettings } from '../log.js'
import { catalogKey, numberFromKey, schemaKey, schemasRange, topicKey, topicsRange } from './keys.js'
import type { Change, Store } from './store.js'

export interface StoredTopic {
  /** Never used again after the topic is deleted. */
  id: number
  settings: TopicSettings
}

interface CatalogRow {
  /** Counts changes, so that other openers notice them. */
  version: number
  nextTopic: number
  nextSchema: number
}

/** Ids of the two sides never meet: those of raw are odd, those of derived even. */
const idStep = 2

/** The topics and schemas of one side, as last read. */
export class Catalog {
  readonly topics = new Map<string, StoredTopic>()
  readonly byId = new Map<number, StoredTopic>()
  readonly #schemas = new Map<number, string>()
  readonly #ids = new Map<string, number>()
  readonly #store: Store
  #row: CatalogRow

  constructor(store: Store, firstId: 1 | 2) {
    this.#store = store
    this.#row = { version: -1, nextTopic: firstId, nextSchema: firstId }
    this.refresh()
  }

  /** Reads it again if it has changed; costs one look-up if not. */
  refresh(): void {
    const text = this.#store.get(catalogKey)
    if (text === undefined) return
    const row = JSON.parse(text.toString()) as CatalogRow
    if (row.version === this.#row.version) return
    this.#row = row
    this.topics.clear()
    this.byId.clear()
    for (const key of this.#store.keys(topicsRange)) {
      const topic = JSON.parse(this.#required(key).toString()) as StoredTopic
      this.topics.set(topic.settings.topic, topic)
      this.byId.set(topic.id, topic)
    }
    for (const key of this.#store.keys(schemasRange)) {
      const id = numberFromKey(key)
      if (this.#schemas.has(id)) continue
      const schema = this.#required(key).toString()
      this.#schemas.set(id, schema)
      this.#ids.set(schema, id)
    }
  }

  schema(id: number): string | undefined {
    return this.#schemas.get(id)
  }

  schemaId(text: string): number | undefined {
    return this.#ids.get(text)
  }

  addTopics(topics: readonly TopicSettings[]): { changes: Change[]; added: StoredTopic[] } {
    const added = topics.map((settings, index) => ({
      id: this.#row.nextTopic + index * idStep,
      settings: { ...settings },
    }))
    const changes = added.map((topic) => ({ key: topicKey(topic.settings.topic), value: json(topic) }))
    const row = { ...this.#row, nextTopic: this.#row.nextTopic + added.length * idStep }
    return { changes: [...changes, this.#changed(row)], added }
  }

  changeRetention(name: string, { retentionMs, retentionBytes }: Retention): Change[] {
    const topic = this.topics.get(name)
    if (topic === undefined) return []
    const changed = { ...topic, settings: { ...topic.settings, retentionMs, retentionBytes } }
    return [{ key: topicKey(name), value: json(changed) }, this.#changed(this.#row)]
  }

  removeTopic(topic: string): Change[] {
    return [{ key: topicKey(topic), value: null }, this.#changed(this.#row)]
  }

  addSchema(text: string): { changes: Change[]; id: number } {
    const id = this.#row.nextSchema
    const row = { ...this.#row, nextSchema: id + idStep }
    return { changes: [{ key: schemaKey(id), value: Buffer.from(text) }, this.#changed(row)], id }
  }

  #changed(row: CatalogRow): Change {
    return { key: catalogKey, value: json({ ...row, version: row.version + 1 }) }
  }

  #required(key: Buffer): Buffer {
    const value = this.#store.get(key)
    if (value === undefined) {
      throw new LogError('corrupt', `the log in ${this.#store.path} is damaged: an entry of its catalog is missing`)
    }
    return value
  }
}

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value))
}
