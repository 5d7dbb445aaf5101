import { z } from 'zod'
import type { ContainerEvent } from './container-runtime.js'

/** The fields used of an event of `GET /events` (Docker Engine API, SystemEvents); Podman's compatible one too. */
const message = z.object({
  Type: z.string(),
  Action: z.string(),
  Actor: z.object({ ID: z.string().nullish(), Attributes: z.record(z.string(), z.string()).nullish() }),
  time: z.number().nullish(),
  timeNano: z.number().nullish(),
})

const kinds: Record<string, ContainerEvent['kind']> = {
  create: 'created',
  init: 'starting',
  start: 'started',
  restart: 'started',
  rename: 'changed',
  update: 'changed',
  die: 'stopped',
  died: 'stopped',
  destroy: 'removed',
  remove: 'removed',
}

/** Attributes that describe the event or the container; the others are the container's labels. */
const notLabels = new Set(['image', 'name', 'exitCode', 'containerExitCode', 'oldName', 'execDuration', 'podId'])

/** Null for what says nothing of a container's life. @throws ZodError for another shape */
export function dockerEvent(value: unknown): ContainerEvent | null {
  const { Type, Action, Actor, time, timeNano } = message.parse(value)
  const attributes = Actor.Attributes ?? {}
  // timeNano is beyond what a double holds exactly: good to some hundred nanoseconds.
  const at = timeNano ? Math.floor(timeNano / 1000) : (time ?? 0) * 1_000_000
  if (Type === 'network') {
    const id = attributes.container ?? ''
    if (id === '' || (Action !== 'connect' && Action !== 'disconnect')) return null
    return { kind: 'changed', id, time: at, told: {} }
  }
  const kind = kinds[Action]
  const id = Actor.ID ?? ''
  if (Type !== 'container' || kind === undefined || id === '') return null
  const { name, image } = attributes
  const labels = Object.fromEntries(Object.entries(attributes).filter(([key]) => !notLabels.has(key)))
  return {
    kind,
    id,
    time: at,
    told: { ...(name === undefined ? {} : { name }), ...(image === undefined ? {} : { image }), labels },
  }
}
