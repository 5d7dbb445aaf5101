import { checkCode } from '../fault.js'
import type { WireRequest } from '../wire.js'

export interface Coordinator {
  id: number
  host: string
  port: number
}

/** Who coordinates a group, or the transactions of an id. */
export function coordinatorRequest(of: { group: string } | { transactionalId: string }): WireRequest<Coordinator> {
  const [key, type] = 'group' in of ? [of.group, 0] : [of.transactionalId, 1]
  return {
    name: 'FindCoordinator',
    apiKey: 10,
    apiVersion: 1,
    write: (to) => to.string(key).int8(type),
    read: (from) => {
      from.int32()
      checkCode(from.int16(), `the coordinator of ${key}`, from.nullableString())
      return { id: from.int32(), host: from.string(), port: from.int32() }
    },
  }
}
