import type { Log } from '@syscribe/log'

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
