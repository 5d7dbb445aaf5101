import { expect, test, vi } from 'vitest'
import { CommitDelay } from '../src/commit-delay.js'
import { Metrics, metricsText } from '../src/index.js'

test('metrics in the text format of Prometheus', () => {
  const metrics = new Metrics()
  const counter = { name: 'a_total', help: 'Things \\ and\nlines', kind: 'counter' } as const
  metrics.metric(counter, { part: 'quote " slash \\ line\n' }).add(2)
  metrics.metric({ name: 'b', help: 'Level', kind: 'gauge' }).set(0.5)
  expect(metricsText(metrics.collect())).toBe(`# HELP a_total Things \\\\ and\\nlines
# TYPE a_total counter
a_total{part="quote \\" slash \\\\ line\\n"} 2
# HELP b Level
# TYPE b gauge
b 0.5
`)
})

test('a histogram counts in each bucket what is under its bound', () => {
  const metrics = new Metrics()
  const histogram = metrics.histogram({ name: 'd', help: 'Delay', kind: 'histogram' }, { part: 'p' })
  for (const seconds of [0.05, 0.3, 1000]) histogram.observe(seconds)
  const text = metricsText(metrics.collect())
  for (const line of [
    'd_bucket{part="p",le="0.05"} 1',
    'd_bucket{part="p",le="0.25"} 1',
    'd_bucket{part="p",le="0.5"} 2',
    'd_bucket{part="p",le="300"} 2',
    'd_bucket{part="p",le="+Inf"} 3',
    'd_sum{part="p"} 1000.35',
    'd_count{part="p"} 3',
  ]) {
    expect(text).toContain(`${line}\n`)
  }
})

test('the delay of a commit is that of its oldest record', () => {
  const metrics = new Metrics()
  const delay = new CommitDelay(metrics, 'p')
  vi.spyOn(Date, 'now').mockReturnValue(10_000)
  delay.committed()
  delay.took(9_000)
  delay.took(8_000)
  delay.took(9_500)
  delay.committed()
  const text = metricsText(metrics.collect())
  expect(text).toContain('syscribe_end_to_end_delay_seconds_sum{part="p"} 2\n')
  expect(text).toContain('syscribe_end_to_end_delay_seconds_count{part="p"} 1\n')
  expect(text).toContain('syscribe_last_commit_delay_seconds{part="p"} 2\n')
  vi.restoreAllMocks()
})
