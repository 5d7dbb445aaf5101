import type { KindRecord, TopicCodec, TopicKind, TopicName } from '@syscribe/schemas'
import type { InputRecord } from './processor.js'

/**
 * Reads some fields of records of one kind, whatever schema version each was written with. Make it once, outside the
 * step.
 */
export function fieldReader<T extends TopicName, K extends TopicKind<T>, F extends keyof KindRecord<K> & string>(
  _topic: T,
  kind: K,
  names: readonly F[],
): (input: InputRecord) => Pick<KindRecord<K>, F> {
  let lastCodec: unknown
  let read: (bytes: Buffer) => Pick<KindRecord<K>, F>
  return (input) => {
    if (input.codec !== lastCodec) {
      lastCodec = input.codec
      read = (input.codec as unknown as TopicCodec<T>).fields(kind, names)
    }
    return read(input.value)
  }
}
