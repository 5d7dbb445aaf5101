import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { fieldReader, fileProjection, type InputRecord, type KeyedState } from '../src/index.js'
import { outputOf, type TestRecord } from '../src/testing.js'
import { testFolder } from './test-log.js'

const read = fieldReader('names', 'NameAnswer', ['name', 'process'])

/** How often each name was asked for, and by which processes. */
const askers = fileProjection<number[]>({
  name: 'askers',
  topics: ['names'],
  apply(input, state) {
    const { name, process } = read(input)
    if (name === 'bad.test') throw new Error('cannot take it')
    state.set(name, [...(state.get(name) ?? []), process.pid])
  },
  render: (state) => [...state.entries()].map(([name, pids]) => `${name} ${pids.join(' ')}\n`).join(''),
})

const asked = (name: string, pid: number): TestRecord => {
  return { topic: 'names', kind: 'NameAnswer', value: { name, process: { pid } } }
}

test('its file is what it makes of the records, through a real log', async () => {
  expect(await outputOf(askers, [asked('a.test', 1), asked('b.test', 2), asked('a.test', 3)])).toBe(
    'a.test 1 3\nb.test 2\n',
  )
  expect(await outputOf(askers, [])).toBe('')
})

test('a record that it cannot take fails the test that gives it', async () => {
  await expect(outputOf(askers, [asked('bad.test', 1)])).rejects.toThrow('cannot take it')
})

describe('the file', () => {
  const input = {} as InputRecord
  const empty = { entries: () => [][Symbol.iterator]() } as unknown as KeyedState<string>
  let rendered = 0
  const counting = fileProjection<string>({
    name: 'counting',
    topics: ['names'],
    apply: () => {},
    render: () => String(++rendered),
  })

  test('is written when something came, not more than once a second, and at the end', async () => {
    rendered = 0
    const folder = testFolder()
    const target = join(folder, 'out')
    const instance = await counting.open(target, null, { rawPayload: true })
    await instance.flush(empty, false)
    expect(readFileSync(target, 'utf8')).toBe('1')
    for (let count = 0; count < 5; count++) {
      instance.apply(input, empty)
      await instance.flush(empty, false)
    }
    expect(rendered).toBeLessThan(6)
    await instance.flush(empty, true)
    const written = rendered
    await instance.flush(empty, true)
    expect(rendered).toBe(written)
    expect(readFileSync(target, 'utf8')).toBe(String(written))
    await instance.close()
    expect(readdirSync(folder)).toEqual(['out'])
  })

  test('is written anew after a restart, for it may be of another state', async () => {
    rendered = 0
    const target = join(testFolder(), 'out')
    for (const metadata of [null, 'counting']) {
      const instance = await counting.open(target, metadata, { rawPayload: true })
      await instance.flush(empty, false)
      await instance.close()
    }
    expect(readFileSync(target, 'utf8')).toBe('2')
  })

  test('keeps its state as JSON', () => {
    const { state } = askers
    expect(state.decode(Buffer.from(state.encode([1, 2])))).toEqual([1, 2])
    expect(state.version).toBe(1)
  })
})
