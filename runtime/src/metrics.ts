/** Names of what the runtime and its parts count, with their meaning. Prometheus conventions: `_total` is a counter. */
export interface MetricInfo {
  readonly name: string
  readonly help: string
  readonly kind: 'counter' | 'gauge'
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

/** Counters and gauges of one process, by name and labels. Cheap to change, read by whoever shows them. */
export class Metrics {
  readonly #families = new Map<string, { info: MetricInfo; metrics: Map<string, Metric> }>()

  /** The metric of these labels, made at its first mention. Keep it: looking it up costs. */
  metric(info: MetricInfo, labels: MetricLabels = {}): Metric {
    let family = this.#families.get(info.name)
    if (family === undefined) {
      family = { info, metrics: new Map() }
      this.#families.set(info.name, family)
    }
    const id = JSON.stringify(Object.entries(labels).sort())
    let metric = family.metrics.get(id)
    if (metric === undefined) {
      metric = new Metric(labels)
      family.metrics.set(id, metric)
    }
    return metric
  }

  /** Everything counted so far. */
  collect(): { info: MetricInfo; values: { labels: MetricLabels; value: number }[] }[] {
    return [...this.#families.values()].map(({ info, metrics }) => ({
      info,
      values: [...metrics.values()].map(({ labels, value }) => ({ labels, value })),
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
