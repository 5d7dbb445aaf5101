import { beforeEach, expect, test } from 'vitest'
import { ContainerRuns, type RunChange } from '../../src/containers/container-runs.js'
import type { ContainerFacts } from '../../src/containers/container-runtime.js'

const process = { cgroup: '/docker/x', netns: 9, startedAt: null }
const facts: ContainerFacts = {
  id: 'x',
  name: 'web-1',
  image: 'web:1',
  labels: { b: '2', a: '1' },
  running: true,
  pid: 7,
  startedAt: 1_000,
  finishedAt: null,
  hostNetwork: false,
  networkOf: null,
  networks: [{ name: 'n', addresses: ['172.17.0.2', 'fd00::2'], gateways: [] }],
  ports: [],
  cgroup: '',
}

let runs: ContainerRuns
beforeEach(() => {
  runs = new ContainerRuns({ host: 'h', boot: Buffer.alloc(16) })
})
const told = (changes: RunChange[]) => changes.map(({ run, at }) => [run.name, run.from, run.to, at])
const describe = (change: Partial<ContainerFacts>, at: number, repeat = false) =>
  told(runs.described('docker', { ...facts, ...change }, process, at, repeat))

test('a run begins when its first process did, before the runtime says so', () => {
  const [change] = runs.described('docker', facts, { ...process, startedAt: 900 }, 2_000)
  expect(change).toMatchObject({
    at: 900,
    run: { from: 900, to: null, addresses: ['172.17.0.2', 'fd00::2'], netns: 9 },
  })
})

test('a description that says nothing new is not told, unless it is to be repeated', () => {
  describe({}, 2_000)
  expect(describe({ labels: { a: '1', b: '2' } }, 3_000)).toEqual([])
  expect(describe({}, 4_000, true)).toEqual([['web-1', 1_000, null, 4_000]])
})

test('what changes ends a run and begins another at that moment', () => {
  describe({}, 2_000)
  expect(describe({ name: 'web-2' }, 3_000)).toEqual([
    ['web-1', 1_000, 3_000, 3_000],
    ['web-2', 3_000, null, 3_000],
  ])
  expect(describe({ name: 'web-2', networks: [] }, 4_000)).toEqual([
    ['web-2', 3_000, 4_000, 4_000],
    ['web-2', 4_000, null, 4_000],
  ])
})

test('another process is another run, though its end was not seen', () => {
  describe({}, 2_000)
  expect(describe({ pid: 8, startedAt: 5_000 }, 5_100)).toEqual([
    ['web-1', 1_000, 5_000, 5_000],
    ['web-1', 5_000, null, 5_000],
  ])
})

test('a run ends once, when it is said to', () => {
  describe({}, 2_000)
  expect(runs.isRunning('x')).toBe(true)
  expect(told(runs.stopped('x', 6_000))).toEqual([['web-1', 1_000, 6_000, 6_000]])
  expect(runs.stopped('x', 7_000)).toEqual([])
  expect(runs.running).toEqual([])
})

test('a run found to be over ends when the runtime says it did', () => {
  describe({}, 2_000)
  expect(describe({ running: false, pid: 0, finishedAt: 1_500 }, 9_000)).toEqual([['web-1', 1_000, 1_500, 1_500]])
  expect(describe({ running: false, pid: 0, finishedAt: 1_500 }, 9_000)).toEqual([])
})

test('a run does not end before it began', () => {
  describe({}, 2_000)
  expect(told(runs.stopped('x', 10))).toEqual([['web-1', 1_000, 1_000, 1_000]])
})

test('a run that was over before it was asked about is told whole', () => {
  const over = { ...facts, running: false, pid: 0, startedAt: 1_000, finishedAt: 1_300 }
  expect(told(runs.passed('docker', over, 1_100))).toEqual([['web-1', 1_000, 1_300, 1_000]])
  expect(runs.running).toEqual([])
})
