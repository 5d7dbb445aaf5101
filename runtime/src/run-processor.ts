import type { GroupMember, Log } from '@syscribe/log'
import { all, endOpenTransactions } from './end-open-transactions.js'
import { InstanceLoops } from './instance-loops.js'
import type { Processor } from './processor.js'
import { ProcessorStage } from './processor-stage.js'
import { contextOf, type Running, type RunOptions, runningOf } from './running.js'
import { RuntimeError } from './runtime-error.js'
import type { StageContext } from './stage-context.js'
import type { StageLoop } from './stage-loop.js'

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
  const loops = new InstanceLoops(context, processor)
  const existing = await partitionsOf(log, processor)
  let member: GroupMember | undefined
  const running = runningOf(context, loops, signal, async () => member?.close())
  try {
    if (partitions === 'group') {
      member = await log.groupMember({
        group: processor.name,
        topics: processor.streams,
        onAssignment: (assigned) => loops.assign([...new Set(assigned.map(({ partition }) => partition))]),
        // Others have its partitions then: without a word this process would go on and do nothing.
        onFailure: (error) => loops.fail(error),
      })
    } else await loops.assign(partitions === 'all' ? existing : partitions)
  } catch (error) {
    // Left to themselves the loops would keep the process from ending.
    await running.close().catch(() => {})
    throw error
  }
  return running
}

/** Adds instances of a processor to a loop. @throws LogError */
export async function addInstances<S>(
  context: StageContext,
  loop: StageLoop,
  processor: Processor<S>,
  partitions: readonly number[],
  level = 0,
): Promise<void> {
  await endOpenTransactions(context.log, processor.name, partitions)
  // Opening is waiting for brokers: side by side it takes as long as one.
  await all(
    partitions.map((partition) =>
      loop.add(processor.name, level, () => ProcessorStage.open(context, processor, partition)),
    ),
  )
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
