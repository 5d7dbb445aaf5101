import { hash } from 'node:crypto'
import type { StateFormat } from '@syscribe/runtime'
import type { SchemaText } from './body-schema.js'
import type { Moment } from './moment.js'

/** First and last time, bytes that passed and bytes of them that were captured. */
export interface Seen {
  first: Moment
  last: Moment
  passed: number
  captured: number
}

export interface ServiceState extends Seen {
  kind: 'service'
  name: string
  image: string | null
  /** Messages whose request line was not seen. */
  unattributed: number
}

/** Where a call goes. */
export interface Destination {
  name: string
  type: 'container' | 'external'
}

export interface EndpointState extends Seen {
  kind: 'endpoint'
  service: string
  destination: string
  type: Destination['type']
  method: string
  path: string
  request: SchemaText
  response: SchemaText
  count: number
  unanswered: number
}

export interface ConnectionState extends Seen {
  kind: 'connection'
  service: string
  destination: string
  type: Destination['type']
  protocol: string
  port: number
  category: string
  confidence: number
  reason: string
  count: number
}

/** The half of an exchange that was seen, while the other half is awaited. */
export interface Waiting {
  exchange: number
  /** The half that is here; the other one is awaited. */
  half: 'request' | 'response'
  destination: string
  type: Destination['type']
  method: string
  path: string
  schema: SchemaText
  at: Moment
  passed: number
  captured: number
}

/** A connection that is open, as far as is known. */
export interface OpenState {
  kind: 'open'
  service: string
  /** An entry of `connections` counts it. */
  counted: boolean
  /** Timestamp of the last record of it, milliseconds. */
  active: number
  /** Of the HTTP messages seen on it. */
  passed: number
  captured: number
  /** Timestamp of its end, milliseconds, null while it is open; then what passed in all and was captured. */
  ended: number | null
  endPassed: number
  endCaptured: number
  waiting: Waiting[]
}

/** How far event time has come. */
export interface ClockState {
  kind: 'clock'
  /** Whole minutes since the Unix epoch. */
  minute: number
}

export type MapState = ServiceState | EndpointState | ConnectionState | OpenState | ClockState

export const clockKey = 't'
export const serviceKey = (name: string): string => `s${name}`
export const openKey = (connection: string): string => `o${connection}`
/** Identities may be long (paths, schemas): their digest stands for them. 128 bits do not meet by chance. */
export const entryKey = (kind: 'e' | 'c', identity: string): string =>
  kind + hash('sha256', identity, 'base64url').slice(0, 22)

const kinds = { service: 's', endpoint: 'e', connection: 'c', open: 'o', clock: 't' } as const
const kindOf = Object.fromEntries(Object.entries(kinds).map(([kind, letter]) => [letter, kind]))

const orders: { [K in MapState['kind']]: readonly (keyof Extract<MapState, { kind: K }>)[] } = {
  service: ['name', 'image', 'unattributed', 'first', 'last', 'passed', 'captured'],
  endpoint: [
    'service',
    'destination',
    'type',
    'method',
    'path',
    'request',
    'response',
    'count',
    'unanswered',
    'first',
    'last',
    'passed',
    'captured',
  ],
  connection: [
    'service',
    'destination',
    'type',
    'protocol',
    'port',
    'category',
    'confidence',
    'reason',
    'count',
    'first',
    'last',
    'passed',
    'captured',
  ],
  open: ['service', 'counted', 'active', 'passed', 'captured', 'ended', 'endPassed', 'endCaptured', 'waiting'],
  clock: ['minute'],
}

const waitingOrder: readonly (keyof Waiting)[] = [
  'exchange',
  'half',
  'destination',
  'type',
  'method',
  'path',
  'schema',
  'at',
  'passed',
  'captured',
]

/** State as rows: a letter for the kind, then the values as a JSON array in a fixed order, without their names. */
export const mapStateFormat: StateFormat<MapState> = {
  version: 1,
  encode(value) {
    const row = orders[value.kind].map((name) => (value as unknown as Record<string, unknown>)[name])
    if (value.kind === 'open') {
      row[row.length - 1] = value.waiting.map((waiting) => waitingOrder.map((name) => waiting[name]))
    }
    return Buffer.from(kinds[value.kind] + JSON.stringify(row))
  },
  decode(bytes) {
    const kind = kindOf[String.fromCharCode(bytes[0] as number)] as MapState['kind']
    const row = JSON.parse(bytes.toString('utf8', 1)) as unknown[]
    const value: Record<string, unknown> = { kind }
    orders[kind].forEach((name, index) => {
      value[name] = row[index]
    })
    if (kind === 'open') {
      value.waiting = (value.waiting as unknown[][]).map((fields) =>
        Object.fromEntries(waitingOrder.map((name, index) => [name, fields[index]])),
      )
    }
    return value as unknown as MapState
  },
}

/** A new `Seen` of nothing yet. */
export function unseen(at: Moment): Seen {
  return { first: at, last: at, passed: 0, captured: 0 }
}
