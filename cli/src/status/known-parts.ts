import type { Log } from '@syscribe/log'
import { type Config, parseConfig, projectionGroup } from '@syscribe/runtime'
import { BatchDecoder } from '../log/batch-decoder.js'
import { lastOutputs } from '../run/last-outputs.js'
import { allProjectionTasks } from '../run/own-projections.js'
import { processors } from '../run/parts.js'
import { NewRecords } from './read-new.js'
import type { KnownPart } from './status-reader.js'

const processorParts: readonly KnownPart[] = processors.map(({ name }) => ({ part: name, kind: 'processor' }))

/** The parts that `syscribe run` ran last in this data directory. */
export async function localParts(config: Pick<Config, 'dataDir'>): Promise<readonly KnownPart[]> {
  const last = parseConfig({ env: lastOutputs(config.dataDir) })
  const projections = (await allProjectionTasks(last)).map(
    ({ projection, target }): KnownPart => ({ part: projectionGroup(projection.name, target), kind: 'projection' }),
  )
  return [...processorParts, ...projections]
}

/** The processors, and the projections of this group that have said in the topic `control` where they stand. */
export function clusterParts(log: Log, group: string | null): () => Promise<readonly KnownPart[]> {
  const decoder = new BatchDecoder(log)
  const projections = new Set<string>()
  const own = group === null ? '' : `${group}.`
  let control: NewRecords | undefined
  return async () => {
    const topic = (await log.describeTopics()).find((one) => one.topic === 'control')
    if (topic !== undefined) {
      control ??= new NewRecords(log, { topic: 'control', partition: 0 }, topic.offsets[0]?.start ?? 0)
      await control.read(async (batch, from) => {
        for (const { offset, value } of batch) {
          if (offset < from || value === null) continue
          const { kind, value: record } = await decoder.decode(batch.schemaId, value)
          if (kind !== 'ProjectionStanding') continue
          const part = `${(record as Record<string, unknown>).part}`
          if (part.startsWith(own)) projections.add(part.slice(own.length))
        }
      })
    }
    return [...processorParts, ...[...projections].sort().map((part): KnownPart => ({ part, kind: 'projection' }))]
  }
}
