import type { TopicName } from '@syscribe/schemas'
import { RuntimeError } from './runtime-error.js'

/** What of a processor decides its place. */
export interface Linked {
  readonly name: string
  readonly streams: readonly TopicName[]
  readonly tables: readonly TopicName[]
  readonly outputs: readonly { readonly topic: TopicName }[]
}

/**
 * The processors so that each comes behind those whose outputs it reads; otherwise in the order given.
 * @throws RuntimeError `parts_invalid` for a name given twice, a topic written by two, or a circle.
 */
export function inDependencyOrder<P extends Linked>(processors: readonly P[]): P[] {
  const writers = new Map<TopicName, P>()
  const names = new Set<string>()
  for (const processor of processors) {
    if (names.has(processor.name)) throw new RuntimeError('parts_invalid', `two processors are named ${processor.name}`)
    names.add(processor.name)
    for (const { topic } of processor.outputs) {
      const other = writers.get(topic)
      if (other !== undefined) {
        throw new RuntimeError('parts_invalid', `${other.name} and ${processor.name} both write topic ${topic}`)
      }
      writers.set(topic, processor)
    }
  }
  const ordered: P[] = []
  const open = new Set<P>()
  const place = (processor: P) => {
    if (ordered.includes(processor)) return
    if (open.has(processor))
      throw new RuntimeError('parts_invalid', `${processor.name} reads what comes of its own output`)
    open.add(processor)
    for (const topic of [...processor.streams, ...processor.tables]) {
      const writer = writers.get(topic)
      if (writer !== undefined) place(writer)
    }
    ordered.push(processor)
  }
  for (const processor of processors) place(processor)
  return ordered
}

/** The processors that read, directly or not, what `name` writes; without itself. */
export function downstreamOf<P extends Linked>(name: string, processors: readonly P[]): P[] {
  const reached = new Set<string>([name])
  for (const processor of inDependencyOrder(processors)) {
    const read = [...processor.streams, ...processor.tables]
    const upstream = processors.filter((other) => reached.has(other.name))
    if (upstream.some((other) => other.outputs.some(({ topic }) => read.includes(topic)))) reached.add(processor.name)
  }
  reached.delete(name)
  return processors.filter((processor) => reached.has(processor.name))
}
