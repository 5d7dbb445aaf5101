import { createServer } from 'node:net'
import { startKafka } from './kafka-process.mjs'
import { startRedpanda } from './redpanda.mjs'
import { socketPath } from './shared-broker.mjs'

/** Long enough for the next test file to come. */
const lingerMs = 20_000

/** @type {Set<import('node:net').Socket>} */
const users = new Set()
/** @type {NodeJS.Timeout | undefined} */
let linger

/** @type {Promise<{ kind: string, brokers: string[], stop(): Promise<void> }> | undefined} */
let starting
async function start() {
  const redpanda = await startRedpanda()
  return redpanda === null ? startKafka() : { ...redpanda, kind: 'redpanda' }
}

async function end() {
  server.close()
  for (const user of users) user.destroy()
  await starting?.then((broker) => broker.stop()).catch(() => undefined)
  process.exit(0)
}

// Who started it may be gone, and the pipe with it.
process.stderr.on('error', () => undefined)
const server = createServer((socket) => {
  users.add(socket)
  clearTimeout(linger)
  socket.on('error', () => undefined)
  socket.on('data', () => undefined)
  socket.on('close', () => {
    users.delete(socket)
    if (users.size === 0) linger = setTimeout(() => void end(), lingerMs)
  })
  starting ??= start()
  starting.then(
    ({ kind, brokers }) => socket.write(`${JSON.stringify({ kind, brokers })}\n`),
    (error) => {
      socket.write(`${JSON.stringify({ fault: `cannot start: ${error instanceof Error ? error.message : error}` })}\n`)
      linger = setTimeout(() => void end(), 1000)
    },
  )
})
// Another keeper has the name: that one serves.
server.on('error', () => process.exit(0))
server.listen(socketPath)
for (const signal of /** @type {const} */ (['SIGTERM', 'SIGINT'])) process.on(signal, () => void end())
// Nobody came.
linger = setTimeout(() => void end(), lingerMs)
