import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ownBroker, testBroker } from '@syscribe/test-broker'
import { expect, it, vi } from 'vitest'

async function answers(address: string): Promise<boolean> {
  const [host, port] = address.split(':')
  const socket = connect({ host: host!, port: Number(port) })
  const open = await Promise.race([
    once(socket, 'connect').then(() => true),
    once(socket, 'error').then(() => false),
  ]).catch(() => false)
  socket.destroy()
  return open
}

it('is shared by all who ask, and outlives the first of them', async () => {
  const [one, two] = await Promise.all([testBroker(), testBroker()])
  expect(two.brokers).toEqual(one.brokers)
  await one.stop()
  expect(await answers(two.brokers[0]!)).toBe(true)
  await two.stop()
}, 180_000)

it('of its own dies and comes back at the same address', async () => {
  const broker = await ownBroker()
  try {
    expect(await answers(broker.brokers[0]!)).toBe(true)
    await broker.kill9()
    expect(broker.pid).toBeNull()
    expect(await answers(broker.brokers[0]!)).toBe(false)
    await broker.restart()
    expect(await answers(broker.brokers[0]!)).toBe(true)
  } finally {
    await broker.stop()
  }
  expect(await answers(broker.brokers[0]!)).toBe(false)
}, 180_000)

it('of its own ends with the process that started it, even when that is killed', async () => {
  const script = `
    import { ownBroker } from ${JSON.stringify(new URL('../test-broker.mjs', import.meta.url).href)}
    const broker = await ownBroker()
    process.stdout.write(broker.brokers[0] + '\\n')
    setInterval(() => {}, 1000)`
  const folder = mkdtempSync(join(tmpdir(), 'syscribe-test-broker-'))
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    env: { ...process.env, TMPDIR: folder },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [said] = await once(child.stdout!, 'data')
  const address = String(said).trim()
  expect(await answers(address)).toBe(true)
  child.kill('SIGKILL')
  await vi.waitFor(async () => expect(await answers(address)).toBe(false), 20_000)
  rmSync(folder, { recursive: true })
}, 180_000)
