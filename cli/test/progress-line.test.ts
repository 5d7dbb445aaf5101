import { describe, expect, it } from 'vitest'
import { progressLine } from '../src/replay/progress-line.js'

function setUp(isTerminal: boolean) {
  let written = ''
  let now = 0
  const output = {
    isTerminal,
    columns: 80,
    write: async (text: string) => {
      written += text
    },
  }
  const line = progressLine(output, () => now)
  return {
    ...line,
    after: (ms: number) => {
      now += ms
    },
    written: () => written,
  }
}

describe('without a terminal', () => {
  it('is a line at every tenth, and one where nothing has been said for 5 s', () => {
    const { show, done, after, written } = setUp(false)
    for (let records = 5; records <= 40; records += 5) show({ records, of: 100 })
    after(5_000)
    show({ records: 41, of: 100 })
    after(5_000)
    show({ records: 41, of: 100 })
    done()
    expect(written().split('\n')).toEqual([
      '5 of 100 records (5 %)',
      '10 of 100 records (10 %)',
      '20 of 100 records (20 %)',
      '30 of 100 records (30 %)',
      '40 of 100 records (40 %)',
      '41 of 100 records (41 %)',
      '100 of 100 records (100 %)',
      '',
    ])
  })

  it('says 100 % once, when it is done, and goes back at no time', () => {
    const { show, done, after, written } = setUp(false)
    for (const [records, of] of [
      [50, 50],
      [60, 120],
      [120, 120],
      [130, 130],
    ] as const) {
      show({ records, of })
      after(6_000)
    }
    expect(written()).not.toContain('100 %')
    done()
    const percents = [...written().matchAll(/\((\d+) %\)/g)].map(([, percent]) => Number(percent))
    expect(percents).toEqual([99, 99, 99, 99, 100])
  })

  it('says nothing where there was nothing to do', () => {
    const { show, done, written } = setUp(false)
    show({ records: 0, of: 0 })
    expect(written()).toBe('')
    done()
    expect(written()).toBe('0 of 0 records (100 %)\n')
  })
})

describe('on a terminal', () => {
  it('is one line that changes, under what else is said', () => {
    const { show, notice, done, after, written } = setUp(true)
    show({ records: 1, of: 10 })
    show({ records: 2, of: 10 })
    after(200)
    show({ records: 3, of: 10 })
    notice('the broker is away')
    done()
    const draws = written().split('\r\x1b[2K')
    expect(draws).toEqual([
      '',
      '1 of 10 records (10 %)',
      '3 of 10 records (30 %)',
      'the broker is away\n3 of 10 records (30 %)',
      '10 of 10 records (100 %)\n',
    ])
  })
})
