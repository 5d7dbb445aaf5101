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
 * Says the server's pid, and kills it when its own input ends: that is when the caller closes it or is gone, however
 * that came. The shell ends with the server.
 */
const guard = `
exec 3<&0
"$@" 3<&- </dev/null &
server=$!
echo "pid $server"
(cat <&3 >/dev/null; kill -9 $server 2>/dev/null) &
wait $server
`

/**
 * Starts a server in a process group of its own, so that an interrupt meant for the caller does not reach it. It does
 * not outlive the caller.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd: string, env?: Record<string, string>, name: string, ready: () => Promise<boolean> }} options
 */
export async function startProgram(command, args, { cwd, env = {}, name, ready }) {
  const shell = spawn('sh', ['-c', guard, 'sh', command, ...args], {
    cwd,
    env: { ...process.env, ...env },
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  let said = ''
  for (const stream of [shell.stdout, shell.stderr]) {
    stream.on('data', (/** @type {Buffer} */ chunk) => {
      said = (said + chunk).slice(-4000)
    })
  }
  shell.stdin.on('error', () => undefined)
  const [first] = await once(shell.stdout, 'data')
  const pid = Number(/^pid (\d+)/.exec(String(first))?.[1])
  // None of this keeps the caller alive.
  shell.unref()
  for (const stream of [shell.stdin, shell.stdout, shell.stderr]) {
    // A pipe is a socket, whatever its type says.
    if ('unref' in stream && typeof stream.unref === 'function') stream.unref()
  }
  const exited = new Promise((resolve) => shell.once('exit', resolve))
  void exited.then(() => shell.stdin.destroy())
  const hasEnded = () => shell.exitCode !== null || shell.signalCode !== null
  const signal = (/** @type {NodeJS.Signals} */ name) => {
    if (!hasEnded()) process.kill(pid, name)
  }
  const kill = async () => {
    if (hasEnded()) return
    shell.ref()
    signal('SIGKILL')
    await exited
  }
  const until = Date.now() + 180_000
  while (!(await ready())) {
    if (hasEnded()) throw new Error(`${name} ended at its start: ${said}`)
    if (Date.now() > until) {
      await kill()
      throw new Error(`${name} was not ready within 180 s: ${said}`)
    }
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  return { pid, kill, signal }
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
