import type { MetricFamily, MetricInfo } from '@syscribe/runtime'

/** Processor and memory of this process, under the names that Prometheus's own clients use. */
export function processMetrics(): MetricFamily[] {
  const { user, system } = process.cpuUsage()
  const { rss, heapUsed, heapTotal, external } = process.memoryUsage()
  return [
    one('process_cpu_seconds_total', 'Processor time, user and system', 'counter', (user + system) / 1e6),
    one('process_resident_memory_bytes', 'Resident memory', 'gauge', rss),
    one(
      'process_start_time_seconds',
      'Start, seconds since the Unix epoch',
      'gauge',
      Date.now() / 1000 - process.uptime(),
    ),
    one('nodejs_heap_size_used_bytes', 'Heap of the main thread in use', 'gauge', heapUsed),
    one('nodejs_heap_size_total_bytes', 'Heap of the main thread', 'gauge', heapTotal),
    one('nodejs_external_memory_bytes', 'Memory of buffers outside the heap', 'gauge', external),
  ]
}

/** A metric of one value without labels. */
export function one(name: string, help: string, kind: MetricInfo['kind'], value: number): MetricFamily {
  return { info: { name, help, kind }, values: [{ labels: {}, value }] }
}
