import { type Log, LogError } from '@syscribe/log'
import { topics as catalogue } from '@syscribe/schemas'
import { endOpenTransactions } from './end-open-transactions.js'
import { partitionsOf } from './partitions-of.js'
import type { AnyProcessor } from './processor-levels.js'
import { settingsOnly } from './processor-reset.js'
import { ProcessorStage } from './processor-stage.js'
import { RenamedLog } from './renamed-log.js'
import { type EndingReplayOptions, endsAt, runToEnds } from './run-to-ends.js'
import { contextOf } from './running.js'
import { RuntimeError } from './runtime-error.js'
import { stateTopicName } from './state-topic.js'

export interface ReplayIntoTopicOptions extends EndingReplayOptions {
  /** With the topics that the processor reads: see `currentLog`. */
  log: Log
  processor: AnyProcessor
  /** Topic to write, not there yet. A processor with several outputs writes `<into>.<output>` each. */
  into: string
}

/** The topics that `replayIntoTopic` writes, by the output they stand for. */
export function topicsInto({ outputs }: AnyProcessor, into: string): Map<string, string> {
  const [only, ...others] = outputs.map(({ topic }) => topic)
  if (only === undefined) return new Map()
  if (others.length === 0) return new Map([[only, into]])
  return new Map([only, ...others].map((topic) => [topic, `${into}.${topic}`]))
}

/**
 * Derives what a processor writes once more, into a topic of its own; nobody else is touched. Interrupted, the next call
 * with the same topic goes on.
 * @throws LogError, RuntimeError `replay_invalid`, `parts_invalid`; the signal's reason
 */
export async function replayIntoTopic(options: ReplayIntoTopicOptions): Promise<void> {
  const { log, processor, into, from = 'earliest', to } = options
  const names = topicsInto(processor, into)
  const part = `${processor.name}.into.${into}`
  const own = new RenamedLog(log, { topics: names, parts: new Map([[processor.name, part]]) })
  await createOutputs(log, own, processor, names, (await own.committed(processor.name)).length > 0)
  const context = contextOf({ ...options, log: own })
  const stages: ProcessorStage<unknown>[] = []
  try {
    const partitions = await partitionsOf(own, processor)
    await endOpenTransactions(own, processor.name, partitions)
    for (const partition of partitions) {
      stages.push(await ProcessorStage.open(context, processor, partition, from))
    }
    const inputs = stages.flatMap((stage) => stage.positions())
    const streams = new Set<string>(processor.streams)
    const ends = await endsAt(own, inputs, to, (topic) => streams.has(topic))
    await runToEnds(own, stages, ends, options)
    for (const stage of stages) {
      stage.end()
      while ((await stage.round()) > 0) options.signal?.throwIfAborted()
      await stage.finish()
    }
  } finally {
    for (const stage of stages) await stage.close()
  }
  await own.deleteTopic(stateTopicName(processor.name))
  await own.deleteGroup(processor.name)
}

async function createOutputs(
  log: Log,
  own: Log,
  { name }: AnyProcessor,
  names: ReadonlyMap<string, string>,
  goesOn: boolean,
): Promise<void> {
  const there = new Map((await log.describeTopics()).map((described) => [described.topic, described]))
  for (const [output, topic] of names) {
    if (topic in catalogue) throw new RuntimeError('replay_invalid', `${topic} is a topic of the system: name another`)
    const found = there.get(topic)
    if (found === undefined) {
      const like = there.get(output)
      if (like === undefined)
        throw new LogError('unknown_topic', `${name} writes topic ${output}, which does not exist`)
      await own.createTopics([{ ...settingsOnly(like), topic: output }])
    } else if (!goesOn && found.offsets.some(({ end }) => end > 0)) {
      throw new RuntimeError('replay_invalid', `there is a topic ${topic} already: name another`)
    }
  }
}
