import type { CaptureStats, Spool, SpoolSender } from '@syscribe/collector'
import { type MetricFamily, metricsText } from '@syscribe/runtime'
import type { LossCause } from '@syscribe/schemas'
import type { MetricsSource } from './metrics-source.js'
import { one } from './process-metrics.js'

/** What capture has seen and lost, and where it stands. */
export function captureMetricsSource(stats: () => CaptureStats | undefined): MetricsSource {
  return () => {
    const now = stats()
    return now === undefined ? '' : metricsText(captureFamilies(now))
  }
}

/** Named from the start, at 0: what is counted for the first time would not show as a rise. */
const causes = [
  'ring_full',
  'queue_full',
  'scratch_busy',
  'table_full',
  'encode',
  'other',
] as const satisfies LossCause[]

function captureFamilies(stats: CaptureStats): MetricFamily[] {
  const lost = causes.map((cause) => {
    const { records = 0, bytes = 0 } = stats.lost.find((loss) => loss.cause === cause) ?? {}
    return { cause, records, bytes }
  })
  return [
    one('syscribe_captured_records_total', 'Records of sockets captured', 'counter', stats.records),
    one('syscribe_captured_payload_bytes_total', 'Payload bytes in them', 'counter', stats.payloadBytes),
    {
      info: { name: 'syscribe_lost_records_total', help: 'Records lost, by cause', kind: 'counter' },
      values: lost.map(({ cause, records }) => ({ labels: { cause }, value: records })),
    },
    {
      info: { name: 'syscribe_lost_payload_bytes_total', help: 'Payload bytes in them', kind: 'counter' },
      values: lost.map(({ cause, bytes }) => ({ labels: { cause }, value: bytes })),
    },
    one('syscribe_observed_processes', 'Processes that opted in and run', 'gauge', stats.processes),
    one(
      'syscribe_ring_high_water_bytes',
      "Most bytes that waited in the kernel's ring",
      'gauge',
      stats.ringHighWaterBytes,
    ),
    one('syscribe_queue_bytes', 'Captured bytes that wait in memory', 'gauge', stats.queuedBytes),
    one('syscribe_queue_high_water_bytes', 'Most that waited there', 'gauge', stats.queuedHighWaterBytes),
    one(
      'syscribe_drain_cpu_seconds_total',
      'Processor time of the thread that empties the ring',
      'counter',
      stats.drainCpuMicros / 1e6,
    ),
  ]
}

/** The spool, and what was sent to the brokers. */
export function sendingMetricsSource(spool: Spool, sender: SpoolSender): MetricsSource {
  return () =>
    metricsText([
      one('syscribe_spool_bytes', 'Captured bytes that wait on disk for the brokers', 'gauge', spool.waitingBytes),
      one('syscribe_spool_limit_bytes', 'Bytes that may wait there', 'gauge', spool.maxBytes),
      one('syscribe_brokers_connected', '1 while the brokers take records', 'gauge', sender.connected ? 1 : 0),
      one('syscribe_sent_records_total', 'Records sent to the brokers', 'counter', sender.sentRecords),
      one('syscribe_sent_bytes_total', 'Bytes of them', 'counter', sender.sentBytes),
      one('syscribe_send_failures_total', 'Times that sending failed and began again', 'counter', sender.faults),
    ])
}
