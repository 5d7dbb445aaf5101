import { workerData } from 'node:worker_threads'
import { open } from 'lmdb'

// Holds the write transaction of one side's store for a while, as a slow commit would.
const { path, ms, flag } = workerData as { path: string; ms: number; flag: Int32Array }
const database = open({ path, encoding: 'binary', keyEncoding: 'binary', overlappingSync: false })
database.transactionSync(() => {
  Atomics.store(flag, 0, 1)
  Atomics.notify(flag, 0)
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
})
Atomics.store(flag, 0, 2)
await database.close()
