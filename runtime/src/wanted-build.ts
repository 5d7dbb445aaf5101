import type { ProcessorGeneration, ReplayRequest } from '@syscribe/schemas'
import type { ControlState } from './control-topic.js'
import { generationsOver, generationsRead, sameGenerations } from './generations.js'
import type { ReplayStart } from './replay-start.js'

/** An output to be built beside the one in use. */
export interface WantedBuild {
  generations: readonly ProcessorGeneration[]
  from: ReplayStart
  /** Id of the request it answers; null when it is wanted because of its generations. */
  request: string | null
}

/** What a projection has to do, told from the control topic and from what its output was derived from. */
export interface ProjectionGoal {
  /** What the output in use should be derived from, as far as the projection reads it. */
  current: readonly ProcessorGeneration[]
  /** Null: nothing is to be built. */
  build: WantedBuild | null
}

/**
 * A function of what is said and what is, not of how it came to it: so it holds after any crash, and for a projection
 * that was away while generations changed.
 */
export function projectionGoal(
  { generations, requests }: ControlState,
  projection: { part: string; topics: readonly string[] },
  standing: { standsOn: readonly ProcessorGeneration[]; answered: string | null },
): ProjectionGoal {
  const current = generationsRead(generations.current, projection.topics)
  const request = requests.get(projection.part)
  if (request !== undefined && request.id !== standing.answered) {
    return { current, build: { generations: current, from: requestedStart(request), request: request.id } }
  }
  const next = generationsRead(generationsOver(generations.current, generations.building), projection.topics)
  if (sameGenerations(next, standing.standsOn)) return { current, build: null }
  return { current, build: { generations: next, from: 'earliest', request: null } }
}

function requestedStart({ fromTime, fromOffset }: ReplayRequest): ReplayStart {
  if (fromTime !== null) return { time: fromTime }
  return fromOffset === null ? 'earliest' : { offset: fromOffset }
}
