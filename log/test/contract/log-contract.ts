import { describe } from 'vitest'
import { cleaningContract } from './cleaning.js'
import type { Engine } from './contract-log.js'
import { groupContract } from './groups.js'
import { pollContract } from './poll.js'
import { recordContract } from './records.js'
import { timeContract } from './times.js'
import { topicContract } from './topics.js'
import { transactionContract } from './transactions.js'

/** What every engine must do. */
export function logContract(name: string, engine: Engine): void {
  describe(name, () => {
    topicContract(engine)
    recordContract(engine)
    pollContract(engine)
    transactionContract(engine)
    groupContract(engine)
    timeContract(engine)
    if (engine.cleansAtOnce) cleaningContract(engine)
  })
}
