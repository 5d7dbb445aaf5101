import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createConnection } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { ServerError } from './server-error.js'

/** A real server that a test started. */
export interface RunningServer {
  /** Port on 127.0.0.1. */
  port: number
  /** The process started; servers that fork are led by it. */
  pid: number
  /** Ends it and everything it started, and removes its files. */
  stop(): Promise<void>
}

export interface ServerCommand {
  /** As a person calls it. */
  name: string
  command: string
  args: readonly string[]
  port: number
  env?: Readonly<Record<string, string>>
  cwd?: string
  /** User and group to run as when started by root. */
  user?: { uid: number; gid: number } | null
  /** A line of its output that says it is ready; without it, accepting a connection does. */
  readyLine?: RegExp
  /** Milliseconds to become ready; 60 s unless said otherwise. */
  within?: number
  /** How to end it; SIGTERM unless said otherwise. SIGKILL follows after 5 s. */
  stopSignal?: NodeJS.Signals
  /** Runs after it ended. */
  cleanUp?(): Promise<void>
}

const keptOutput = 8192

/**
 * Starts a server in a process group of its own, so that a signal meant for the test does not reach it, and waits until
 * it is ready.
 *
 * @throws ServerError `start_failed` when it ends before, `start_timeout` when it takes too long; with its last output.
 */
export async function startServer(server: ServerCommand): Promise<RunningServer> {
  const child = spawn(server.command, server.args, {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH ?? '', LANG: 'C', ...server.env },
    ...(server.cwd === undefined ? {} : { cwd: server.cwd }),
    ...(server.user ?? {}),
  })
  let output = ''
  let said = server.readyLine === undefined
  const take = (data: Buffer): void => {
    output = (output + data.toString()).slice(-keptOutput)
    said ||= server.readyLine?.test(output) === true
  }
  child.stdout.on('data', take)
  child.stderr.on('data', take)
  let failure: Error | null = null
  child.on('error', (error) => {
    failure = error
  })
  const stop = async (): Promise<void> => {
    await endGroup(child, server.stopSignal ?? 'SIGTERM')
    await server.cleanUp?.()
  }
  const deadline = Date.now() + (server.within ?? 60_000)
  while (!(said && (await accepts(server.port)))) {
    const ended = failure !== null || child.exitCode !== null || child.signalCode !== null
    if (ended || Date.now() > deadline) {
      await stop()
      const how =
        failure !== null ? String(failure) : ended ? `ended with ${child.exitCode ?? child.signalCode}` : 'is not ready'
      throw new ServerError(ended ? 'start_failed' : 'start_timeout', `${server.name} ${how}; its output:\n${output}`)
    }
    await sleep(25)
  }
  return { port: server.port, pid: child.pid as number, stop }
}

/** Ends a child and its whole process group. */
async function endGroup(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  const group = child.pid
  if (group === undefined) return
  if (child.exitCode === null && child.signalCode === null) {
    const ended = once(child, 'exit')
    signalGroup(group, signal)
    const timer = setTimeout(() => signalGroup(group, 'SIGKILL'), 5000)
    await ended
    clearTimeout(timer)
  }
  // What the leader left behind.
  signalGroup(group, 'SIGKILL')
}

function signalGroup(group: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-group, signal)
  } catch {
    // Nothing of it is left.
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ host: '127.0.0.1', port })
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
