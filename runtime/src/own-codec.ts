import { TopicCodec, type TopicName } from '@syscribe/schemas'

const codecs = new Map<TopicName, unknown>()

/** The codec of this version's own schema of a topic. Made once: compiling a schema takes milliseconds. */
export function ownCodec<T extends TopicName>(topic: T): TopicCodec<T> {
  let codec = codecs.get(topic) as TopicCodec<T> | undefined
  if (codec === undefined) {
    codec = new TopicCodec(topic)
    codecs.set(topic, codec)
  }
  return codec
}
