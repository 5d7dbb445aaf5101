import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const checkout = fileURLToPath(new URL('../..', import.meta.url))
/** Abstract socket of the keeper: its name is free again with the end of its process. */
export const socketPath = `\0syscribe-test-broker/${process.getuid?.() ?? 0}${checkout}`

/**
 * The broker that the keeper of this checkout runs; starts the keeper when there is none. The open connection is the
 * lease: the keeper stops the broker when the last one has been gone for a while.
 * @returns {Promise<import('./test-broker.d.mts').TestBroker>}
 */
export async function sharedBroker() {
  const until = Date.now() + 300_000
  let said = ''
  for (;;) {
    const answer = await lease().catch((/** @type {Error} */ error) => error)
    if (!(answer instanceof Error)) return answer
    if (Date.now() > until || answer.message.includes('cannot start'))
      throw new Error(`no test broker: ${answer.message} ${said}`)
    const keeper = spawn(process.execPath, [fileURLToPath(new URL('./keeper.mjs', import.meta.url))], {
      detached: true,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    keeper.stderr.on('data', (chunk) => (said += chunk))
    // Until it listens, or has seen that another does.
    const exited = once(keeper, 'exit')
    while (keeper.exitCode === null && !(await listens())) {
      await Promise.race([exited, new Promise((resolve) => setTimeout(resolve, 50))])
    }
    keeper.unref()
    keeper.stderr.destroy()
  }
}

/** @returns {Promise<boolean>} */
function listens() {
  return new Promise((resolve) => {
    const socket = connect(socketPath)
    socket.on('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => resolve(false))
  })
}

/** @returns {Promise<import('./test-broker.d.mts').TestBroker>} */
async function lease() {
  const socket = connect(socketPath)
  await once(socket, 'connect')
  socket.on('error', () => undefined)
  const line = await new Promise((resolve, reject) => {
    createInterface({ input: socket }).once('line', resolve)
    socket.once('close', () => reject(new Error('the keeper of the test broker ended')))
  })
  const { kind, brokers, fault } = JSON.parse(String(line))
  if (fault !== undefined) throw new Error(fault)
  // The lease ends with this process, and does not keep it alive.
  socket.unref()
  return { kind, brokers, stop: async () => void socket.destroy() }
}
