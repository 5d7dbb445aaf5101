import type { Log } from '@syscribe/log'
import { all } from './all.js'

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
