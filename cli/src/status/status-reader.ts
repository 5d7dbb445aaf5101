import { readPosition } from '@syscribe/collector'
import type { Log, TopicDescription } from '@syscribe/log'
import { BatchDecoder } from '../log/batch-decoder.js'
import { newestTaken } from './newest-taken.js'
import { NewRecords } from './read-new.js'
import type { HostStatus, PartStanding, SystemStatus } from './system-status.js'

/** Hosts that have said nothing for so long are not looked for. Milliseconds. */
const hostsFromMs = 3_600_000
/** How far back losses are looked for where collectors do not say them. Milliseconds. */
const lossesFromMs = 60_000

/** A part whose place in the log can be looked up. */
export interface KnownPart {
  /** The consumer group. */
  part: string
  kind: PartStanding['kind']
}

export interface StatusOptions {
  /** With topics under the names that everybody knows. */
  log: Log
  /** Asked again each time: projections come and go. */
  parts: () => Promise<readonly KnownPart[]>
  now?: () => number
}

/** Looks at a log again and again: rates come of two looks. It commits nothing. */
export class StatusReader {
  readonly #options: StatusOptions
  readonly #decoder: BatchDecoder
  readonly #hosts = new Map<string, { knownUpTo: number; ended: boolean }>()
  readonly #errors = new Map<string, number>()
  /** Losses by time, where the log alone tells of them. */
  #losses: { at: number; host: string; cause: string; records: number }[] = []
  readonly #followed = new Map<string, NewRecords>()
  #before: { at: number; committed: Map<string, number> } | null = null

  constructor(options: StatusOptions) {
    this.#options = options
    this.#decoder = new BatchDecoder(options.log)
  }

  /** @throws LogError */
  async read(): Promise<SystemStatus> {
    const { log, parts, now = Date.now } = this.#options
    const at = now()
    const topics = new Map((await log.describeTopics()).map((topic) => [topic.topic, topic]))
    await this.#readHosts(topics, at)
    await this.#readErrors(topics)
    if (log.engine !== 'kafka') await this.#readLosses(topics, at)
    const hosts = await Promise.all([...this.#hosts].map((entry) => this.#hostStatus(...entry)))
    const committed = new Map<string, number>()
    const standings: PartStanding[] = []
    for (const known of await parts()) standings.push(await this.#standing(known, topics, at, committed))
    this.#before = { at, committed }
    hosts.sort((a, b) => (a.host < b.host ? -1 : 1))
    return { at, hosts, parts: standings }
  }

  async close(): Promise<void> {
    for (const followed of this.#followed.values()) await followed.close()
    this.#followed.clear()
  }

  async #standing(
    { part, kind }: KnownPart,
    topics: ReadonlyMap<string, TopicDescription>,
    at: number,
    all: Map<string, number>,
  ): Promise<PartStanding> {
    const offsets = await this.#options.log.committed(part)
    const inputs = offsets.flatMap(({ topic, partition, offset }) => {
      const found = topics.get(topic)?.offsets.find((one) => one.partition === partition)
      return found === undefined ? [] : [{ topic, partition, committed: offset, end: found.end, start: found.start }]
    })
    const sum = inputs.reduce((total, { committed }) => total + committed, 0)
    all.set(part, sum)
    const before = this.#before?.committed.get(part)
    const elapsed = (at - (this.#before?.at ?? at)) / 1000
    const times = (await newestTaken(this.#options.log, inputs)).filter((time) => time !== undefined)
    return {
      part,
      kind,
      lag: inputs.reduce((total, { committed, end }) => total + Math.max(0, end - committed), 0),
      recordsPerSecond: before === undefined || elapsed <= 0 ? null : Math.max(0, sum - before) / elapsed,
      delaySeconds: times.length === 0 ? null : Math.max(0, at - Math.min(...times)) / 1000,
      errors: this.#errors.get(part) ?? 0,
      inputs: inputs.map(({ topic, partition, committed, end }) => ({ topic, partition, committed, end })),
    }
  }

  async #hostStatus(host: string, known: { knownUpTo: number; ended: boolean }): Promise<HostStatus> {
    const { log } = this.#options
    if (log.engine !== 'kafka') {
      const lost: Record<string, number> = {}
      for (const { host: loser, cause, records } of this.#losses) {
        if (loser === host) lost[cause] = (lost[cause] ?? 0) + records
      }
      return { host, ...known, spoolBytes: null, lost }
    }
    const notes = readPosition(await log.committed(`collector/${host}`))?.notes
    return { host, ...known, spoolBytes: notes?.waitingBytes ?? null, lost: { ...notes?.lost } }
  }

  /** Every collector states its watermark in every partition of its topics; processes is the smallest of them. */
  #readHosts(topics: ReadonlyMap<string, TopicDescription>, at: number): Promise<void> {
    return this.#follow(topics, 'processes', at - hostsFromMs, ({ kind, value, timestamp }) => {
      if (kind !== 'Watermark') return
      const known = this.#hosts.get(`${value.host}`)
      if (known !== undefined && known.knownUpTo > timestamp) return
      this.#hosts.set(`${value.host}`, { knownUpTo: timestamp, ended: value.final === true })
    })
  }

  #readErrors(topics: ReadonlyMap<string, TopicDescription>): Promise<void> {
    return this.#follow(topics, 'dead-letters', null, ({ value }) => {
      const part = `${value.part}`
      this.#errors.set(part, (this.#errors.get(part) ?? 0) + 1)
    })
  }

  async #readLosses(topics: ReadonlyMap<string, TopicDescription>, at: number): Promise<void> {
    this.#losses = this.#losses.filter((loss) => loss.at >= at - lossesFromMs)
    await this.#follow(topics, 'syscalls', at - lossesFromMs, ({ kind, value, timestamp }) => {
      if (kind !== 'CaptureLoss') return
      this.#losses.push({
        at: timestamp,
        host: `${value.host}`,
        cause: `${value.cause}`,
        // How many a kill cost is not known: each shows as one.
        records: value.cause === 'killed' ? 1 : Number(value.records),
      })
    })
  }

  /** Reads on in partition 0 of a topic: from `since` (milliseconds) the first time, or from its oldest record. */
  async #follow(
    topics: ReadonlyMap<string, TopicDescription>,
    topic: string,
    since: number | null,
    visit: (record: { kind: string | null; value: Record<string, unknown>; timestamp: number }) => void,
  ): Promise<void> {
    const first = topics.get(topic)?.offsets[0]
    if (first === undefined) return
    let followed = this.#followed.get(topic)
    if (followed === undefined) {
      const { log } = this.#options
      const from = since === null ? first.start : await log.offsetForTime(topic, 0, Math.max(0, since))
      followed = new NewRecords(log, { topic, partition: 0 }, Math.max(from, first.start))
      this.#followed.set(topic, followed)
    }
    await followed.read(async (batch, from) => {
      for (const { offset, timestamp, value } of batch) {
        if (offset < from || value === null) continue
        const decoded = await this.#decoder.decode(batch.schemaId, value)
        visit({ kind: decoded.kind, value: decoded.value as Record<string, unknown>, timestamp })
      }
    })
  }
}
