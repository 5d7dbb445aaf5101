import type { GroupMember } from '@syscribe/log'
import { InstanceLoops } from './instance-loops.js'
import { partitionsOf } from './partitions-of.js'
import type { Processor } from './processor.js'
import { contextOf, type Running, type RunOptions, runningOf } from './running.js'

export interface ProcessorRunOptions<S> extends RunOptions {
  processor: Processor<S>
  /**
   * `all`: every partition here. A list: these. `group`: those that the consumer group named after the processor
   * assigns, as members come and go. Default `all`.
   */
  partitions?: 'all' | 'group' | readonly number[]
}

/**
 * Runs a processor: one instance per partition of its streams. Resolves when those it has at first run.
 * @throws LogError, RuntimeError `parts_invalid`
 */
export async function runProcessor<S>(options: ProcessorRunOptions<S>): Promise<Running> {
  const { log, processor, partitions = 'all', signal } = options
  const context = contextOf(options)
  const loops = new InstanceLoops(context, processor)
  const existing = await partitionsOf(log, processor)
  let joining: Promise<GroupMember> | undefined
  const leave = async () => (await joining?.catch(() => undefined))?.close()
  const running = runningOf(context, loops, signal, leave)
  if (signal?.aborted) return running
  try {
    if (partitions === 'group') {
      joining = log.groupMember({
        group: processor.name,
        topics: processor.streams,
        onAssignment: (assigned) => loops.assign([...new Set(assigned.map(({ partition }) => partition))]),
        // Others have its partitions then: without a word this process would go on and do nothing.
        onFailure: (error) => loops.fail(error),
      })
      await joining
    } else await loops.assign(partitions === 'all' ? existing : partitions)
    await loops.begun()
  } catch (error) {
    // Left to themselves the loops would keep the process from ending.
    await running.close().catch(() => {})
    throw error
  }
  return running
}
