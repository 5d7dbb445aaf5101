/** Names of what the runtime and its parts count, with their meaning. Prometheus conventions: `_total` is a counter. */
export interface MetricInfo {
  readonly name: string
  readonly help: string
  readonly kind: 'counter' | 'gauge' | 'histogram'
}

export type MetricLabels = Readonly<Record<string, string>>

/** One value that counts up or is set. */
export class Metric {
  readonly labels: MetricLabels
  value = 0
  constructor(labels: MetricLabels) {
    this.labels = labels
  }
  add(count: number): void {
    this.value += count
  }
  set(value: number): void {
    this.value = value
  }
}

/** Upper bounds of delays, seconds. */
const delayBounds = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300]

/** How often values fell under which bound. */
export class Histogram {
  readonly labels: MetricLabels
  readonly #counts = delayBounds.map(() => 0)
  #count = 0
  #sum = 0
  constructor(labels: MetricLabels) {
    this.labels = labels
  }
  observe(value: number): void {
    this.#count++
    this.#sum += value
    for (let index = delayBounds.length - 1; index >= 0 && value <= (delayBounds[index] as number); index--) {
      this.#counts[index] = (this.#counts[index] as number) + 1
    }
  }
  /** As Prometheus has it: each bucket counts all that is under its bound. */
  values(): MetricValue[] {
    const { labels } = this
    const bucket = (le: string, value: number) => ({ labels: { ...labels, le }, value, suffix: '_bucket' })
    return [
      ...delayBounds.map((bound, index) => bucket(`${bound}`, this.#counts[index] as number)),
      bucket('+Inf', this.#count),
      { labels, value: this.#sum, suffix: '_sum' },
      { labels, value: this.#count, suffix: '_count' },
    ]
  }
}

export interface MetricValue {
  labels: MetricLabels
  value: number
  /** What a histogram puts behind its name. */
  suffix?: string
}

/** A metric with its values now. */
export interface MetricFamily {
  info: MetricInfo
  values: MetricValue[]
}

/** Counters, gauges and histograms of one process, by name and labels. Cheap to change, read by whoever shows them. */
export class Metrics {
  readonly #families = new Map<string, { info: MetricInfo; metrics: Map<string, Metric | Histogram> }>()

  /** The metric of these labels, made at its first mention. Keep it: looking it up costs. */
  metric(info: MetricInfo, labels: MetricLabels = {}): Metric {
    return this.#find(info, labels, () => new Metric(labels))
  }

  /** The histogram of these labels, likewise. */
  histogram(info: MetricInfo, labels: MetricLabels = {}): Histogram {
    return this.#find(info, labels, () => new Histogram(labels))
  }

  #find<M extends Metric | Histogram>(info: MetricInfo, labels: MetricLabels, create: () => M): M {
    let family = this.#families.get(info.name)
    if (family === undefined) {
      family = { info, metrics: new Map() }
      this.#families.set(info.name, family)
    }
    const id = JSON.stringify(Object.entries(labels).sort())
    let metric = family.metrics.get(id) as M | undefined
    if (metric === undefined) {
      metric = create()
      family.metrics.set(id, metric)
    }
    return metric
  }

  /** Everything counted so far. */
  collect(): MetricFamily[] {
    return [...this.#families.values()].map(({ info, metrics }) => ({
      info,
      values: [...metrics.values()].flatMap((metric) =>
        metric instanceof Histogram ? metric.values() : [{ labels: metric.labels, value: metric.value }],
      ),
    }))
  }
}

/** What the runtime counts of every part. */
export const partMetrics = {
  consumed: { name: 'syscribe_consumed_records_total', help: 'Records taken from the inputs', kind: 'counter' },
  consumedBytes: { name: 'syscribe_consumed_bytes_total', help: 'Bytes of those records', kind: 'counter' },
  emitted: { name: 'syscribe_emitted_records_total', help: 'Records emitted', kind: 'counter' },
  commits: { name: 'syscribe_commits_total', help: 'Transactions committed', kind: 'counter' },
  checkpoints: { name: 'syscribe_checkpoints_total', help: 'Checkpoints of state written', kind: 'counter' },
  deadLetters: { name: 'syscribe_dead_letters_total', help: 'Records that could not be taken', kind: 'counter' },
  unknown: { name: 'syscribe_unknown_records_total', help: 'Records of kinds not known here', kind: 'counter' },
  expired: {
    name: 'syscribe_expired_records_total',
    help: 'Records gone by retention before they were read',
    kind: 'counter',
  },
  failures: {
    name: 'syscribe_failures_total',
    help: 'Faults after which a part began again from its commit',
    kind: 'counter',
  },
  reread: { name: 'syscribe_reread_records_total', help: 'Records read again behind a checkpoint', kind: 'counter' },
  stateKeys: { name: 'syscribe_state_keys', help: 'Keys of state', kind: 'gauge' },
  busySeconds: { name: 'syscribe_busy_seconds_total', help: 'Time spent in rounds', kind: 'counter' },
} as const satisfies Record<string, MetricInfo>

export type PartMetrics = Record<keyof typeof partMetrics, Metric>

/** The metrics of one part. */
export function metricsOfPart(metrics: Metrics, part: string): PartMetrics {
  const entries = Object.entries(partMetrics).map(([key, info]) => [key, metrics.metric(info, { part })])
  return Object.fromEntries(entries) as PartMetrics
}
