import { all } from './all.js'
import { endOpenTransactions } from './end-open-transactions.js'
import { inDependencyOrder } from './part-order.js'
import { partitionsOf } from './partitions-of.js'
import type { Processor } from './processor.js'
import { ProcessorStage } from './processor-stage.js'
import type { StageContext } from './stage-context.js'
import type { StageLoop } from './stage-loop.js'

/** A processor of whatever state: parts with different states stand in one list, and each keeps to its own. */
export type AnyProcessor = Processor<unknown>

/** Adds a processor's instances for all partitions. @throws LogError, RuntimeError `parts_invalid` */
export async function addProcessor(
  context: StageContext,
  loop: StageLoop,
  processor: AnyProcessor,
  level: number,
): Promise<void> {
  const { name } = processor
  const partitions = await partitionsOf(context.log, processor)
  await endOpenTransactions(context.log, name, partitions)
  // Opening is waiting for brokers: side by side it takes as long as one.
  await all(
    partitions.map((partition) => loop.add(name, level, () => ProcessorStage.open(context, processor, partition))),
  )
}

/** How many stages a record passes at most from the collector's topics to a projection. */
export function depthOf(processors: readonly AnyProcessor[]): number {
  return new Set(levelsOf(processors).values()).size + 1
}

/** The level of each processor, in the order of levels: one above the highest that it reads from. */
export function levelsOf(processors: readonly AnyProcessor[]): Map<AnyProcessor, number> {
  const levels = new Map<AnyProcessor, number>()
  for (const processor of inDependencyOrder(processors)) {
    const read = [...processor.streams, ...processor.tables]
    const upstream = [...levels].filter(([{ outputs }]) => outputs.some(({ topic }) => read.includes(topic)))
    levels.set(processor, Math.max(0, ...upstream.map(([, level]) => level + 1)))
  }
  return levels
}
