import type { InputRecord } from '@syscribe/runtime'
import { TopicCodec, type TopicKind } from '@syscribe/schemas'

/** Made once: making one takes milliseconds. */
const own = { http: new TopicCodec('http'), connections: new TopicCodec('connections') }

/**
 * The bytes of a record as this version of the schema encodes it: as they are, or, when another version wrote them,
 * decoded and encoded anew. Only such bytes can be spliced into another record.
 */
export class OwnEncoding<T extends 'http' | 'connections'> {
  readonly #codec: TopicCodec<T>
  #last: unknown
  #current: ReadonlySet<string> = new Set()

  constructor(topic: T) {
    this.#codec = own[topic] as unknown as TopicCodec<T>
  }

  /** @throws SchemaError `record_invalid` */
  of(input: InputRecord, kind: TopicKind<T>): Buffer {
    const codec = input.codec as unknown as TopicCodec<T>
    if (codec !== this.#last) {
      this.#last = codec
      this.#current = new Set(this.#codec.kinds.filter((one) => codec.isCurrent(one) && this.#branchIsSame(codec, one)))
    }
    if (this.#current.has(kind)) return input.value
    const record = codec.decode(input.value)
    return this.#codec.encode(record.kind as TopicKind<T>, record.value as never)
  }

  /** Another version may have had its kinds in another order; the branch byte itself is not spliced. */
  #branchIsSame(codec: TopicCodec<T>, kind: TopicKind<T>): boolean {
    return codec.kindOf(Uint8Array.of(this.#codec.kinds.indexOf(kind) << 1)) === kind
  }
}
