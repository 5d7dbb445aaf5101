import type { GroupMember, Log } from '@syscribe/log'
import type { Processor } from './processor.js'
import { ProcessorStage } from './processor-stage.js'
import { contextOf, type Running, type RunOptions, runLoop } from './running.js'
import { RuntimeError } from './runtime-error.js'
import type { StageContext } from './stage-context.js'
import { StageLoop } from './stage-loop.js'

export interface ProcessorRunOptions<S> extends RunOptions {
  processor: Processor<S>
  /**
   * `all`: every partition here. A list: these. `group`: those that the consumer group named after the processor
   * assigns, as members come and go. Default `all`.
   */
  partitions?: 'all' | 'group' | readonly number[]
}

/**
 * Runs a processor: one instance per partition of its streams.
 * @throws LogError, RuntimeError `parts_invalid`
 */
export async function runProcessor<S>(options: ProcessorRunOptions<S>): Promise<Running> {
  const { log, processor, partitions = 'all', signal } = options
  const context = contextOf(options)
  const loop = new StageLoop(context)
  if (partitions !== 'group') {
    const chosen = partitions === 'all' ? await partitionsOf(log, processor) : partitions
    for (const partition of chosen) await addInstance(context, loop, processor, partition)
    return runLoop(context, loop, signal)
  }
  await partitionsOf(log, processor)
  let member: GroupMember | undefined
  const running = runLoop(context, loop, signal, async () => member?.close())
  member = await log.groupMember({
    group: processor.name,
    topics: processor.streams,
    onAssignment: (assigned) =>
      loop.between(async () => {
        const wanted = new Set(assigned.map(({ partition }) => partition))
        const here = new Set(loop.states().map(({ stage }) => stage?.partition))
        await loop.remove(({ stage }) => stage === null || !wanted.has(stage.partition))
        for (const partition of wanted) {
          if (!here.has(partition)) await addInstance(context, loop, processor, partition)
        }
      }),
  })
  return running
}

/** Adds one instance of a processor to a loop. */
export function addInstance<S>(
  context: StageContext,
  loop: StageLoop,
  processor: Processor<S>,
  partition: number,
  level = 0,
): Promise<void> {
  return loop.add(processor.name, level, () => ProcessorStage.open(context, processor, partition))
}

/**
 * The partitions a processor has instances for.
 * @throws RuntimeError `parts_invalid` when its streams have not the same number of partitions.
 */
export async function partitionsOf<S>(log: Log, { name, streams }: Processor<S>): Promise<number[]> {
  const counts = new Map((await log.describeTopics()).map(({ topic, partitions }) => [topic as string, partitions]))
  const first = streams[0]
  if (first === undefined) return [0]
  for (const topic of streams) {
    const count = counts.get(topic)
    if (count === undefined)
      throw new RuntimeError('parts_invalid', `${name} reads topic ${topic}, which does not exist`)
    if (count !== counts.get(first)) {
      const message = `${name} reads ${first} and ${topic} by partition, but they have ${counts.get(first)} and ${count}`
      throw new RuntimeError('parts_invalid', message)
    }
  }
  return Array.from({ length: counts.get(first) as number }, (_, partition) => partition)
}
