import { deserialize, serialize } from 'node:v8'
import type { Party, ProcessKey } from '@syscribe/schemas'
import type { Answer } from './client-used-name.js'
import type { ContainerRun } from './container-run.js'
import type { HostText } from './host-name.js'
import type { ProcessImage } from './process-image.js'

/** All that is remembered, under keys that begin with a letter for the kind. Times are milliseconds of event time. */
export type EnricherEntry =
  | KnownProcess
  | KnownAnswers
  | KnownContainer
  | KnownHost
  | ContainerMention
  | KnownListener
  | ContainerNews
  | NamedConnection
  | WaitingConnection

export interface KnownProcess {
  kind: 'process'
  /** `host/boot/pid`, to find what was before in a re-used pid. */
  pid: string
  /** Oldest first. */
  images: ProcessImage[]
  exitedAt: number | null
  /** When it was found running, microseconds since the Unix epoch; absent when it was seen from its start on. */
  foundAt?: number
}

export interface KnownAnswers {
  kind: 'answers'
  /** Oldest first. */
  answers: Answer[]
  changedAt: number
}

export interface KnownContainer {
  kind: 'container'
  host: string
  /** The host's boot it last ran in, in hex. */
  boot: string
  /** Every time it ran, oldest first. */
  runs: ContainerRun[]
}

/** A host whose container runtime is watched. */
export interface KnownHost {
  kind: 'host'
  boot: string
  /** Empty while it is not known. */
  runtime: string
  /** Every container that runs has been told of. */
  complete: boolean
  /** Inode number of its own network namespace, 0 when unknown. */
  netns: number
  /** Of its interfaces. Canonical. */
  addresses: string[]
  /** When it was last begun to list its containers. */
  incompleteSince: number
}

/** A container that a cgroup spoke of before its runtime did. */
export interface ContainerMention {
  kind: 'mention'
  at: number
}

/** An observed process that answered at a place. */
export interface KnownListener {
  kind: 'listener'
  process: ProcessKey
}

/** Something new was told of containers, and what waits was not looked through yet. One entry, or none. */
export interface ContainerNews {
  kind: 'news'
}

/** A connection whose ends have their names: all that is written of it carries them. */
export interface NamedConnection {
  kind: 'named'
  /** Encoded Party records, client then server. */
  parties: Uint8Array
  /** Name of the client: the key of what is written. */
  service: string
  /** What the naming was made from, while a later record can tell more; null when none can. */
  open: OpenNames | null
  /** Ends of it that still will be told to have ended. */
  openEnds: number
  /** When the last of them ended. */
  endedAt: number | null
  /** A recent use, to know abandoned ones by; renewed every few minutes only. */
  usedAt: number
}

/** The names of a connection of which more may become known, and what they were made from. */
export interface OpenNames {
  facts: ConnectionFacts
  client: Party
  server: Party
  /** No later message can name the server better. */
  final: boolean
  /** No other process will show itself. */
  settled: boolean
}

/** A connection that waits to be named, with what is to be written of it. */
export interface WaitingConnection {
  kind: 'waiting'
  facts: ConnectionFacts
  /** The other end, were it observed, would be known. */
  settled: boolean
  held: HeldRecord[]
  /** When the first was held. */
  since: number
  deadline: number
  /** Order among equal deadlines. */
  order: number
}

/** One record to write when the ends are named. */
export interface HeldRecord {
  /** Branch byte in the topic `traffic`. */
  branch: number
  /** The input record behind its branch byte. */
  body: Uint8Array
}

/** What is known of the two ends of a connection. */
export interface ConnectionFacts {
  host: string
  /** Of the observed end that said it first. */
  netns: number
  client: ProcessKey | null
  server: ProcessKey | null
  clientAddress: string
  clientPort: number
  serverAddress: string
  serverPort: number
  transport: 'tcp' | 'udp'
  /** First byte of the first record: microseconds since the Unix epoch. */
  time: number
  requestHost: HostText | null
  serverName: string | null
}

export const enricherStateFormat = {
  version: 2,
  /** Structured clone bytes: readable by every later Node; a Buffer comes back as one. */
  encode: (entry: EnricherEntry): Uint8Array => serialize(entry),
  decode: (bytes: Buffer): EnricherEntry => deserialize(bytes) as EnricherEntry,
}
