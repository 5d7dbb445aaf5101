import { openEmbeddedLog, type PartitionBatch, RecordBatch } from '@syscribe/log'
import { Syscribe } from '../../harness/syscribe.js'
import type { BenchPrograms } from './bench-servers.js'
import { countLines } from './count-lines.js'
import { pacedLoad } from './load.js'

/** The raw topics that a run has written, in memory, and what came of it. */
export interface RecordedRaw {
  /** Still there until `dispose`: the data directory and the outputs of the run. */
  readonly syscribe: Syscribe
  exchanges: number
  /** Lines of the HTTP log. */
  lines: number
  /** In order, as the collector packed them. */
  batches: PartitionBatch[]
}

/** Records the traffic of a paced load on the Go server. */
export async function recordRaw(
  programs: BenchPrograms,
  load: { rate: number; seconds: number; connections: number },
): Promise<RecordedRaw> {
  const profile = `record-${process.pid}`
  const syscribe = await Syscribe.start({ ADI_PROFILE_ALLOWED: profile, SYSCRIBE_HOST: 'recorded' })
  try {
    const server = await programs.go({ ADI_PROFILE: profile, ADI_PROFILE_NAME: 'go' })
    try {
      await pacedLoad(programs.load, { url: `http://127.0.0.1:${server.port}/`, ...load })
    } finally {
      await server.stop()
    }
    const code = await syscribe.stop()
    if (code !== 0) throw new Error(`syscribe run ended with ${code}:\n${syscribe.stderr}`)
    const { requests, responses } = await countLines(syscribe.outputs.httpLog)
    const log = await openEmbeddedLog({ path: syscribe.outputs.dataDir, readOnly: true })
    const reader = await log.reader()
    const raw = ['processes', 'containers', 'syscalls']
    const batches: PartitionBatch[] = []
    for (const topic of raw) {
      await reader.assign([{ topic, partition: 0, offset: 'earliest' }])
      for (let fetched = await reader.poll(); fetched.length > 0; fetched = await reader.poll()) {
        for (const { batch } of fetched) batches.push({ topic, partition: 0, batch: copyOf(batch) })
      }
    }
    await reader.close()
    await log.close()
    return { syscribe, exchanges: Math.min(requests, responses), lines: syscribe.outputs.lines().length, batches }
  } catch (error) {
    await syscribe.dispose()
    throw error
  }
}

/** A batch of its own, for a log that owns what it is given. */
export function copyOf(batch: RecordBatch): RecordBatch {
  return new RecordBatch(Buffer.from(batch.buffer))
}
