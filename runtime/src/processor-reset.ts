import type { Log, TopicSettings } from '@syscribe/log'
import { downstreamOf, type Linked } from './part-order.js'
import { beginProjectionReplay } from './projection-replay.js'
import { type ProjectionTask, projectionGroup } from './projection-stage.js'
import { forgetReplay, type ProcessorReset, readProcessorReset, writeReplay } from './replay-record.js'
import { RuntimeError } from './runtime-error.js'
import { stateTopicName } from './state-topic.js'

/** The processors and projections whose output changes when a processor's code has changed, itself among them. */
export function affectedBy<P extends Linked, T extends ProjectionTask>(
  name: string,
  processors: readonly P[],
  projections: readonly T[],
): { processors: P[]; projections: T[] } {
  const own = processors.find((processor) => processor.name === name)
  if (own === undefined) throw new RuntimeError('replay_invalid', `there is no processor ${name}`)
  const affected = [own, ...downstreamOf(name, processors)]
  const written = new Set(affected.flatMap(({ outputs }) => outputs.map(({ topic }) => topic)))
  return {
    processors: affected,
    projections: projections.filter(({ projection }) => projection.topics.some((topic) => written.has(topic))),
  }
}

/**
 * Clears what a processor and everything behind it have derived, and has the projections there built anew beside their
 * old outputs. None of the affected parts may be running.
 */
export async function resetProcessor(
  log: Log,
  name: string,
  processors: readonly Linked[],
  projections: readonly ProjectionTask[],
): Promise<void> {
  const affected = affectedBy(name, processors, projections)
  const written = new Set<string>(affected.processors.flatMap(({ outputs }) => outputs.map(({ topic }) => topic)))
  const outputs = (await log.describeTopics()).filter(({ topic }) => written.has(topic)).map(settingsOnly)
  const reset: ProcessorReset = {
    groups: affected.processors.map((processor) => processor.name),
    stateTopics: affected.processors.map((processor) => stateTopicName(processor.name)),
    outputs,
    projections: affected.projections.map(({ projection, target }) => projectionGroup(projection.name, target)),
  }
  await writeReplay(log, name, reset)
  await finishReset(log, name, projections)
}

/** Completes a reset that a crash has interrupted; does nothing when there is none. Each step can be done again. */
export async function finishReset(log: Log, name: string, projections: readonly ProjectionTask[]): Promise<void> {
  const reset = await readProcessorReset(log, name)
  if (reset === null) return
  for (const part of reset.projections) {
    const task = projections.find(({ projection, target }) => projectionGroup(projection.name, target) === part)
    if (task !== undefined) await beginProjectionReplay(log, task, { from: 'earliest', live: false })
  }
  for (const group of reset.groups) await log.deleteGroup(group)
  for (const topic of reset.stateTopics) await log.deleteTopic(topic)
  for (const { topic } of reset.outputs) await log.deleteTopic(topic)
  await log.createTopics(reset.outputs)
  await forgetReplay(log, name)
}

/** A topic's settings without its offsets. */
export function settingsOnly({
  topic,
  partitions,
  cleanup,
  retentionMs,
  retentionBytes,
}: TopicSettings): TopicSettings {
  return { topic, partitions, cleanup, retentionMs, retentionBytes }
}
