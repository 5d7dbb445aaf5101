/**
 * The first bytes of a connection, as one of its ends saw them. Each side is a run without holes in stream order, at
 * most `openingLimit` bytes, empty when nothing of it was seen.
 */
export interface Opening {
  /** What the client sent. */
  readonly client: Buffer
  /** What the server sent. */
  readonly server: Buffer
  /** `client` begins with the first byte of its stream; else with a piece somewhere later in it. */
  readonly clientFromStart: boolean
  /** The same of `server`. */
  readonly serverFromStart: boolean
  /** Port of the server. */
  readonly port: number
  readonly transport: 'tcp' | 'udp'
}

/** The bytes are of this protocol. */
export interface Match {
  /** What was seen, in words. */
  readonly reason: string
  /** TLS server name, null when none was seen. */
  readonly serverName: string | null
  /** Certain already, but the next bytes may tell more: taken as it is when they do not come. */
  readonly open: boolean
}

/** `more`: the bytes so far fit, too few to tell. `no`: not this protocol. */
export type Verdict = Match | 'more' | 'no'

export type Category = 'database' | 'cache' | 'message_bus' | 'other'

/** One protocol: how it is called and how its first bytes are recognised. Pure. */
export interface Protocol {
  readonly name: string
  readonly category: Category
  /** Ports that speak for it when the payload cannot. */
  readonly ports: readonly number[]
  match(opening: Opening): Verdict
}

/** Bytes kept of each side until the protocol is known: a ClientHello with post-quantum key shares and its server name fits. */
export const openingLimit = 4096

export function matched(reason: string, serverName: string | null = null): Match {
  return { reason, serverName, open: false }
}

/** Certain, while more bytes may add to the reason. */
export function matchedSoFar(reason: string, serverName: string | null = null): Match {
  return { reason, serverName, open: true }
}

/** The verdict of both sides: one that matched wins, then one that contradicts. */
export function either(client: Verdict, server: Verdict): Verdict {
  if (typeof client === 'object') return client
  if (typeof server === 'object') return server
  return client === 'no' || server === 'no' ? 'no' : 'more'
}

/** Puts the port in front of a reason when it is one of the protocol's own. */
export function onPort(opening: Opening, ports: readonly number[], reason: string): string {
  return ports.includes(opening.port) ? `port ${opening.port}, ${reason}` : reason
}
