import { rename, rm } from 'node:fs/promises'
import type { Log } from '@syscribe/log'
import { type ProjectionTask, projectionGroup } from './projection-stage.js'
import { forgetReplay, type ProjectionReplay, readProjectionReplay, writeReplay } from './replay-record.js'
import { StateTopic, stateTopicName } from './state-topic.js'

/** Where a projection's output is built beside the old one. */
export function besideTarget(target: string): string {
  return `${target}.replay`
}

/** Begins to build a projection's output anew beside the old one; what an earlier replay left there is removed. */
export async function beginProjectionReplay(
  log: Log,
  { projection, target }: ProjectionTask,
  replay: Omit<ProjectionReplay, 'into' | 'phase'>,
): Promise<ProjectionReplay> {
  const into = besideTarget(target)
  await log.deleteGroup(projectionGroup(projection.name, into))
  await log.deleteTopic(stateTopicName(projection.name, into))
  await rm(into, { force: true })
  const begun: ProjectionReplay = { ...replay, into, phase: 'build' }
  await writeReplay(log, projectionGroup(projection.name, target), begun)
  return begun
}

/** Puts the output built beside in the place of the old one, with its offsets and state. Nobody may be running either. */
export async function swapProjection(
  log: Log,
  task: ProjectionTask,
  replay: ProjectionReplay,
  swapped?: () => Promise<void>,
): Promise<void> {
  await writeReplay(log, projectionGroup(task.projection.name, task.target), { ...replay, phase: 'swap' })
  await finishSwap(log, task, swapped)
}

/**
 * Completes a swap that a crash has interrupted; does nothing when there is none. Each step can be done again: the
 * rename, then the offsets and state in one transaction, `swapped`, then the traces of the build.
 */
export async function finishSwap(
  log: Log,
  { projection, target }: ProjectionTask,
  swapped: () => Promise<void> = async () => {},
): Promise<void> {
  const part = projectionGroup(projection.name, target)
  const replay = await readProjectionReplay(log, part)
  if (replay?.phase !== 'swap') return
  const { into } = replay
  const built = projectionGroup(projection.name, into)
  const offsets = await lastCommitted(log, built)
  if (offsets.length > 0) {
    await rename(into, target).catch((error: NodeJS.ErrnoException) => {
      // Renamed already, before a crash.
      if (error.code !== 'ENOENT') throw error
    })
    const from = await StateTopic.open(log, stateTopicName(projection.name, into), 0, 1)
    const to = await StateTopic.open(log, stateTopicName(projection.name, target), 0, 1)
    const producer = await log.producer({ transactionalId: part })
    try {
      await producer.commit({ batches: await to.replacedBy(log, await from.newest(log)), group: part, offsets })
    } finally {
      await producer.close()
    }
  }
  await swapped()
  await log.deleteGroup(built)
  await log.deleteTopic(stateTopicName(projection.name, into))
  await forgetReplay(log, part)
}

/** As the producer of its transactions reads them: anybody else may be told what was committed before the last one. */
async function lastCommitted(log: Log, group: string) {
  const producer = await log.producer({ transactionalId: group })
  try {
    return await producer.committed(group)
  } finally {
    await producer.close()
  }
}
