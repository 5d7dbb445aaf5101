import { containerEnricher } from '@syscribe/container-enricher'
import { envReader } from '@syscribe/env-reader'
import { envYaml } from '@syscribe/env-yaml'
import { httpLog } from '@syscribe/http-log'
import { httpParser } from '@syscribe/http-parser'
import { protocolClassifier } from '@syscribe/protocol-classifier'
import type { Config, PipelineOptions, ProjectionSettings } from '@syscribe/runtime'
import { serviceMap } from '@syscribe/service-map'

/** Every processor. Who adds one names it here. */
export const processors: PipelineOptions['processors'] = [httpParser, protocolClassifier, envReader, containerEnricher]

/** Settings that say where a projection writes. */
type TargetKey = 'outputPath' | 'envOutputPath' | 'serviceMapPath'

interface ConfiguredProjection {
  projection: PipelineOptions['projections'][number]['projection']
  target: TargetKey
}

/** Every projection. Who adds one names it here. */
const projections: readonly ConfiguredProjection[] = [
  { projection: httpLog, target: 'outputPath' },
  { projection: envYaml, target: 'envOutputPath' },
  { projection: serviceMap, target: 'serviceMapPath' },
]

export type ProjectionConfig = Pick<Config, 'rawPayload' | TargetKey>

/** The projections that are asked for, with their files. */
export function projectionTasks(config: ProjectionConfig): PipelineOptions['projections'] {
  const settings: ProjectionSettings = { rawPayload: config.rawPayload }
  return projections.flatMap(({ projection, target }) => {
    const path = config[target]
    return path === null ? [] : [{ projection, target: path, settings }]
  })
}
