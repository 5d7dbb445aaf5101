import type { InputRecord, KeyedState, Output, Processor } from '@syscribe/runtime'
import { TopicCodec, type TopicKind, type TopicName, type TopicRecord } from '@syscribe/schemas'

export interface Given {
  /** Milliseconds; the record's timestamp. */
  at: number
  topic: TopicName
  kind: TopicKind<TopicName>
  value: object
}
export interface GivenWatermark {
  at: number
  final: boolean
}
export interface Emitted {
  timestamp: number
  key: string
  record: TopicRecord<TopicName>
}

class MapState<S> extends Map<string, S> implements KeyedState<S> {
  update(key: string): S | undefined {
    return this.get(key)
  }
}

/** One of each for all runs: making one takes milliseconds. */
const codecs = new Map<TopicName, TopicCodec<TopicName>>()
function codecOf(topic: TopicName): TopicCodec<TopicName> {
  const codec = codecs.get(topic) ?? (new TopicCodec(topic) as unknown as TopicCodec<TopicName>)
  codecs.set(topic, codec)
  return codec
}

/**
 * Runs a processor over records and watermarks in the order given. With `restart`, after every one the state goes
 * through its encoding into a fresh instance, as after a crash behind a checkpoint.
 */
export function runProcessor<S>(
  processor: Processor<S>,
  given: readonly (Given | GivenWatermark)[],
  options: { restart?: boolean } = {},
): { emitted: Emitted[]; state: KeyedState<S> } {
  const emitted: Emitted[] = []
  const take = (topic: TopicName, bytes: Buffer, key: Uint8Array, timestamp: number): void => {
    emitted.push({ timestamp, key: Buffer.from(key).toString(), record: codecOf(topic).decode(bytes) })
  }
  const out: Output = {
    emit: (topic, kind, value, key, timestamp) =>
      take(topic, codecOf(topic).encode(kind as never, value as never), key, timestamp),
    emitEncoded(topic, key, timestamp, sizeHint, write) {
      let buffer = Buffer.alloc(Math.max(1, sizeHint - 7))
      let end = write(buffer, 0)
      if (end < 0) {
        buffer = Buffer.alloc(buffer.length - end)
        end = write(buffer, 0)
      }
      take(topic, buffer.subarray(0, end), key, timestamp)
    },
  }
  let state = new MapState<S>()
  let instance = processor.create()
  given.forEach((one, offset) => {
    if ('final' in one) instance.watermark?.(one.at, one.final, state, out)
    else {
      const codec = codecOf(one.topic)
      const value = codec.encode(one.kind, one.value as never)
      const input: InputRecord = { topic: one.topic, partition: 0, offset, timestamp: one.at, key: null, value, codec }
      instance.step(input, state, out)
      // The batch's memory is re-used: nothing may depend on it after the step.
      value.fill(0xee)
    }
    if (options.restart === true) {
      const kept = [...state].map(([key, entry]) => [key, Buffer.from(processor.state.encode(entry))] as const)
      state = new MapState(kept.reverse().map(([key, bytes]) => [key, processor.state.decode(bytes)] as const))
      instance = processor.create()
    }
  })
  return { emitted, state }
}
