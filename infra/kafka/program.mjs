import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'

/** A port of 127.0.0.1 that is free now. @returns {Promise<number>} */
export async function freePort() {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  server.close()
  await once(server, 'close')
  return port
}

/**
 * Starts a server in a process group of its own, so that an interrupt meant for the caller does not reach it.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd: string, env?: Record<string, string>, name: string, ready: () => Promise<boolean> }} options
 */
export async function startProgram(command, args, { cwd, env = {}, name, ready }) {
  const child = spawn(command, args, {
    cwd,
    env: { ...process.env, ...env },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (/** @type {Buffer} */ chunk) => {
      said = (said + chunk).slice(-4000)
    })
    // A pipe is a socket, whatever its type says; it must not keep the caller alive.
    if ('unref' in stream && typeof stream.unref === 'function') stream.unref()
  }
  child.unref()
  const gone = new Promise((resolve) => child.once('close', resolve))
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null
  const kill = async (/** @type {NodeJS.Signals} */ signal) => {
    if (hasEnded()) return
    child.ref()
    const exited = once(child, 'exit')
    child.kill(signal)
    await exited
  }
  // Not to be left behind when the caller ends without stopping it.
  const atExit = () => void child.kill('SIGKILL')
  process.once('exit', atExit)
  void gone.then(() => process.removeListener('exit', atExit))
  const until = Date.now() + 120_000
  while (!(await ready())) {
    if (hasEnded() || child.pid === undefined) throw new Error(`${name} ended at its start: ${said}`)
    if (Date.now() > until) {
      await kill('SIGKILL')
      throw new Error(`${name} was not ready within 120 s: ${said}`)
    }
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  return { pid: child.pid, kill, signal: (/** @type {NodeJS.Signals} */ signal) => child.kill(signal) }
}

/** Whether something listens there. @param {number} port @returns {Promise<boolean>} */
export function listens(port) {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port })
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
