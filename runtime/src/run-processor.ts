import { type GroupMember, type Log, LogError } from '@syscribe/log'
import type { Processor } from './processor.js'
import { ProcessorStage } from './processor-stage.js'
import { contextOf, type Running, type RunOptions, runLoop } from './running.js'
import { RuntimeError } from './runtime-error.js'
import type { StageContext } from './stage-context.js'
import { StageLoop } from './stage-loop.js'

/** Each waits for the brokers by itself, some seconds. */
const openAttempts = 3

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
    await addInstances(context, loop, processor, chosen)
    return runLoop(context, loop, signal)
  }
  await partitionsOf(log, processor)
  let member: GroupMember | undefined
  const running = runLoop(context, loop, signal, async () => member?.close())
  const joining = log.groupMember({
    group: processor.name,
    topics: processor.streams,
    onAssignment: (assigned) =>
      loop.between(async () => {
        const wanted = new Set(assigned.map(({ partition }) => partition))
        await loop.remove(({ stage }) => stage === null || !wanted.has(stage.partition))
        for (let attempt = 1; ; attempt++) {
          const here = new Set(loop.states().map(({ stage }) => stage?.partition))
          const added = [...wanted].filter((partition) => !here.has(partition))
          try {
            await addInstances(context, loop, processor, added)
            return
          } catch (error) {
            // A dead process may have left transactions open that others, who are slower, have to end.
            if (!(error instanceof LogError) || error.code !== 'unavailable' || attempt === openAttempts) throw error
            context.logger.warn({ part: processor.name, err: error }, 'partitions cannot be opened yet')
          }
        }
      }),
    // Others have its partitions then: without a word this process would go on and do nothing.
    onFailure: (error) => loop.fail(error),
  })
  try {
    member = await joining
  } catch (error) {
    // Left to itself the loop would keep the process from ending.
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
 * Ends what dead instances of these partitions have left open, before the first is opened: until then the offsets of the
 * whole group are not stable, and opening one would wait for the others.
 */
export async function endOpenTransactions(log: Log, name: string, partitions: readonly number[]): Promise<void> {
  if (partitions.length < 2) return
  await all(
    partitions.map(async (partition) => {
      await (await log.producer({ transactionalId: `${name}/${partition}` })).close()
    }),
  )
}

/** Waits for all, also where one has failed. @throws what the first of those has */
export async function all(work: readonly Promise<void>[]): Promise<void> {
  for (const result of await Promise.allSettled(work)) if (result.status === 'rejected') throw result.reason
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
