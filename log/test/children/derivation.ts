import { parentPort, workerData } from 'node:worker_threads'
import { openEmbeddedLog } from '@syscribe/log'
import { numbered, numbersOf } from './numbered.js'

// A thread that derives: reads `syscalls`, which the main thread writes, and writes the sum of each batch to `http`.
const { path, batches } = workerData as { path: string; batches: number }
const log = await openEmbeddedLog({ path, writes: 'derived' })
await log.createTopics([{ topic: 'http', partitions: 1, cleanup: 'delete', retentionMs: null, retentionBytes: null }])
const producer = await log.producer({ transactionalId: 'derivation' })
const reader = await log.reader()
while (!(await log.describeTopics()).some(({ topic }) => topic === 'syscalls')) {
  await new Promise((resolve) => setTimeout(resolve, 5))
}
await reader.assign([{ topic: 'syscalls', partition: 0, offset: 0 }])
let left = batches
while (left > 0) {
  for (const { batch, topic, partition, nextOffset } of await reader.poll({ waitMs: 5000 })) {
    const sum = numbersOf(batch).reduce((total, number) => total + number, 0)
    await producer.commit({
      batches: [{ topic: 'http', partition: 0, batch: numbered(sum, 1, 0) }],
      group: 'derivation',
      offsets: [{ topic, partition, offset: nextOffset, metadata: '' }],
    })
    left--
  }
}
await log.close()
parentPort!.postMessage('done')
