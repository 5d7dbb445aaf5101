/** The service map as the file holds it: by source service, what it calls. */
export interface ServiceMap {
  /** RFC 3339, UTC, nine digits of the second, as all times here. */
  generated_at: string
  /** By name. */
  services: Service[]
}

/** A service that was seen calling. */
export interface Service {
  name: string
  /** Container image with tag, where the container is known. */
  image?: string
  endpoints: Endpoint[]
  connections: ServiceConnection[]
  first_seen: string
  last_seen: string
  /** Captured bytes by bytes that passed, 1 when nothing is missing. */
  completeness: number
  /** Messages of exchanges whose request line was not seen, so that they belong to no endpoint. Only when there are any. */
  unattributed?: number
}

/** Exchanges alike in destination, method, path and schemas. */
export interface Endpoint {
  destination: string
  destination_type: 'container' | 'external'
  method: string
  /** Without the query. */
  path: string
  request_schema: Schema
  response_schema: Schema
  first_seen: string
  last_seen: string
  /** Exchanges. */
  count: number
  /** Exchanges whose response never came. Only when there are any. */
  unanswered?: number
  completeness: number
  /** A body was too large, or not captured whole, to know its schema: what stands for it shows only what is certain. */
  schema_partial?: true
}

/** Connections alike in destination, protocol and port. */
export interface ServiceConnection {
  destination: string
  destination_type: 'container' | 'external'
  protocol: string
  category: string
  port: number
  confidence: number
  reason: string
  first_seen: string
  last_seen: string
  /** Connections. */
  count: number
  completeness: number
}

/**
 * The structure of a body: `null` for no body, the name of a type (`string`, `number`, `boolean`, `null`), `non-json`, an
 * object of schemas by key, or an array of the schemas its elements have.
 */
export type Schema = null | string | { [key: string]: Schema } | Schema[]
