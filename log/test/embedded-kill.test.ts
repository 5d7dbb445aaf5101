import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Log, openEmbeddedLog } from '@syscribe/log'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { bundleChildren } from './bundle.js'
import { numbersOf } from './children/numbered.js'

let children: Awaited<ReturnType<typeof bundleChildren>>
let path: string
beforeAll(async () => {
  children = await bundleChildren('writer')
  path = mkdtempSync(join(tmpdir(), 'syscribe-kill-'))
})
afterAll(() => {
  children.dispose()
  rmSync(path, { recursive: true })
})

/** Runs the writer, kills it after `ms` of writing, and gives what it said was done. */
async function writeAndKill(ms: number): Promise<{ raw: number; derived: number }> {
  const acknowledged = { raw: 0, derived: 0 }
  const child = spawn(process.execPath, [children.file('writer'), path], { stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = once(child, 'exit')
  const lines = createInterface({ input: child.stdout })
  const ready = new Promise<void>((resolve) => {
    lines.on('line', (line) => {
      const [what, number] = line.split(' ')
      if (what === 'ready') resolve()
      else acknowledged[what as 'raw' | 'derived'] = Number(number)
    })
  })
  const read = once(lines, 'close')
  await Promise.race([ready, exited])
  await sleep(ms)
  child.kill('SIGKILL')
  const [, signal] = await exited
  expect(signal).toBe('SIGKILL')
  await read
  return acknowledged
}

async function numbersFrom(log: Log, topic: string, partition: number, offset: number | 'earliest'): Promise<number[]> {
  const reader = await log.reader()
  await reader.assign([{ topic, partition, offset }])
  const numbers: number[] = []
  for (;;) {
    const fetched = await reader.poll()
    if (fetched.length === 0) return numbers
    for (const { batch } of fetched) numbers.push(...numbersOf(batch))
  }
}

it('keeps what was acknowledged, and transactions whole, through 100 kills at random instants', async () => {
  let derived = 0
  for (let kill = 0; kill < 100; kill++) {
    const acknowledged = await writeAndKill(Math.random() * 60)
    const log = await openEmbeddedLog({ path, cleanIntervalMs: 0 })
    const { start, end } = (await log.describeTopics()).find(({ topic }) => topic === 'raw')!.offsets[0]!
    expect(end).toBeGreaterThanOrEqual(acknowledged.raw)
    const raw = await numbersFrom(log, 'raw', 0, 'earliest')
    expect(raw).toEqual(Array.from({ length: end - start }, (_, index) => start + index))

    const [group] = await log.committed('group')
    const committed = group?.offset ?? 0
    expect(committed).toBeGreaterThanOrEqual(Math.max(derived, acknowledged.derived))
    if (group !== undefined) expect(group.metadata).toBe(`state after ${committed - 1}`)
    const expected = Array.from({ length: committed - derived }, (_, index) => derived + index)
    for (const [topic, partition] of [
      ['a', 0],
      ['b', 0],
      ['b', 1],
    ] as const) {
      expect(await numbersFrom(log, topic, partition, derived)).toEqual(expected)
    }
    derived = committed
    await log.close()
  }
  expect(derived).toBeGreaterThan(100)
}, 240_000)
