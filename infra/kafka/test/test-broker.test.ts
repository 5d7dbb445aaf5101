import { once } from 'node:events'
import { connect } from 'node:net'
import { ownBroker, testBroker } from '@syscribe/test-broker'
import { expect, it } from 'vitest'

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
