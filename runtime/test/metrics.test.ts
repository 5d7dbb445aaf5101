import { expect, test } from 'vitest'
import { Metrics } from '../src/index.js'

test('a metric is one value per set of labels, whatever their order', () => {
  const metrics = new Metrics()
  const info = { name: 'syscribe_things_total', help: 'Things', kind: 'counter' } as const
  metrics.metric(info, { a: '1', b: '2' }).add(2)
  metrics.metric(info, { b: '2', a: '1' }).add(3)
  metrics.metric(info, { a: '2', b: '2' }).set(7)
  expect(metrics.collect()).toEqual([
    {
      info,
      values: [
        { labels: { a: '1', b: '2' }, value: 5 },
        { labels: { a: '2', b: '2' }, value: 7 },
      ],
    },
  ])
})
