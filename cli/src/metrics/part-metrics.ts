import { type MetricFamily, type Metrics, metricsText, type PartStatus } from '@syscribe/runtime'
import type { MetricsSource } from './metrics-source.js'

/** What the runtime counts of its parts, with how far each is behind its inputs. */
export function partMetricsSource(metrics: Metrics, status: () => Promise<readonly PartStatus[]>): MetricsSource {
  return async () => {
    const counted = metricsText(metrics.collect())
    // Where inputs end only the log knows, and it may be away.
    return counted + metricsText(await status().then(lagFamilies, () => []))
  }
}

function lagFamilies(parts: readonly PartStatus[]): MetricFamily[] {
  const inputs = parts.flatMap(({ part, inputs }) => inputs.map((input) => ({ part, ...input })))
  return [
    {
      info: { name: 'syscribe_lag_records', help: 'Records of an input that were not taken yet', kind: 'gauge' },
      values: inputs.map(({ part, topic, partition, next, end }) => ({
        labels: { part, topic, partition: `${partition}` },
        value: Math.max(0, end - next),
      })),
    },
    {
      info: {
        name: 'syscribe_part_running',
        help: '1, or 0 while a part waits to begin again after a fault',
        kind: 'gauge',
      },
      values: parts.map(({ part, state }) => ({ labels: { part }, value: state === 'running' ? 1 : 0 })),
    },
  ]
}
