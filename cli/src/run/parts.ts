import { containerEnricher } from '@syscribe/container-enricher'
import { envReader } from '@syscribe/env-reader'
import { envYaml } from '@syscribe/env-yaml'
import { httpLog } from '@syscribe/http-log'
import { httpParser } from '@syscribe/http-parser'
import { protocolClassifier } from '@syscribe/protocol-classifier'
import type { AnyProcessor, AnyProjectionTask, Config, ProjectionSettings } from '@syscribe/runtime'
import { serviceMap } from '@syscribe/service-map'

/** Every processor. Who adds one names it here. */
export const processors: readonly AnyProcessor[] = [httpParser, protocolClassifier, envReader, containerEnricher]

/** @throws Error when there is none */
export function processorNamed(name: string): AnyProcessor {
  const found = processors.find((processor) => processor.name === name)
  if (found === undefined) throw new Error(`no processor ${name}`)
  return found
}

/** Settings that say where a projection writes. */
type TargetKey = 'outputPath' | 'envOutputPath' | 'serviceMapPath'

interface ConfiguredProjection {
  projection: AnyProjectionTask['projection']
  target: TargetKey
}

/** Every projection. Who adds one names it here. */
const projections: readonly ConfiguredProjection[] = [
  { projection: httpLog, target: 'outputPath' },
  { projection: envYaml, target: 'envOutputPath' },
  { projection: serviceMap, target: 'serviceMapPath' },
]

export const projectionNames: readonly string[] = projections.map(({ projection }) => projection.name)

/** @throws Error when there is none */
export function projectionNamed(name: string): AnyProjectionTask['projection'] {
  const found = projections.find(({ projection }) => projection.name === name)
  if (found === undefined) throw new Error(`no projection ${name}`)
  return found.projection
}

/** Where the projections write; null: that one does not run. */
export type ProjectionConfig = Pick<Config, 'rawPayload'> & { [K in TargetKey]: Config[K] | null }

/** The projections that are asked for, with their files. */
export function projectionTasks(config: ProjectionConfig): readonly AnyProjectionTask[] {
  const settings: ProjectionSettings = { rawPayload: config.rawPayload }
  return projections.flatMap(({ projection, target }) => {
    const path = config[target]
    return path === null ? [] : [{ projection, target: path, settings }]
  })
}
