import type { Log, TopicSettings } from '@syscribe/log'
import type { ProcessorGeneration } from '@syscribe/schemas'
import type { ReplayStart } from './replay-start.js'

/** What is kept in the log of a projection's replay until it is over, so that a crash does not end it. */
export interface ProjectionReplay {
  /** Where the new output is built. */
  into: string
  from: ReplayStart
  /** The old output goes on being written meanwhile. */
  live: boolean
  /** `swap`: the new output is complete and takes the old one's place. */
  phase: 'build' | 'swap'
  /** What it is built from, where processors have generations. */
  generations?: readonly ProcessorGeneration[]
  /** Id of the ReplayRequest it answers. */
  request?: string
}

/** Topics and groups that a processor's replay clears; kept until they are. */
export interface ProcessorReset {
  groups: string[]
  stateTopics: string[]
  /** Topics with their settings: they are dropped and made again. */
  outputs: TopicSettings[]
  /** Parts of the projections to be built anew. */
  projections: string[]
}

/** Keeps a record of a replay under a group's name: its metadata. The topic only has to be one that always exists. */
export async function writeReplay(log: Log, part: string, record: ProjectionReplay | ProcessorReset): Promise<void> {
  const producer = await log.producer({ transactionalId: replayGroup(part) })
  try {
    const metadata = JSON.stringify(record)
    const offsets = [{ topic: 'dead-letters', partition: 0, offset: 0, metadata }]
    await producer.commit({ batches: [], group: replayGroup(part), offsets })
  } finally {
    await producer.close()
  }
}

export async function readProjectionReplay(log: Log, part: string): Promise<ProjectionReplay | null> {
  return (await read(log, part)) as ProjectionReplay | null
}

export async function readProcessorReset(log: Log, part: string): Promise<ProcessorReset | null> {
  return (await read(log, part)) as ProcessorReset | null
}

export function forgetReplay(log: Log, part: string): Promise<void> {
  return log.deleteGroup(replayGroup(part))
}

async function read(log: Log, part: string): Promise<unknown> {
  // Read by the one who writes it: anybody else may be told what stood there before.
  const producer = await log.producer({ transactionalId: replayGroup(part) })
  try {
    const committed = (await producer.committed(replayGroup(part)))[0]
    return committed === undefined ? null : JSON.parse(committed.metadata)
  } finally {
    await producer.close()
  }
}

function replayGroup(part: string): string {
  return `replay/${part}`
}
