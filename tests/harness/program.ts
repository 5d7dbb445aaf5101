import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { createInterface } from 'node:readline'
import { repository } from './repository.js'

/** The folder of the programs that tests observe. */
export const programs = `${repository}tests/programs/`

export interface Command {
  command: string
  args: string[]
  /** The whole environment beside PATH and HOME. */
  env?: Record<string, string>
  cwd?: string
}

/** A Node program of that folder. */
export function node(script: string, ...args: string[]): Command {
  return { command: process.execPath, args: [`${programs}${script}`, ...args] }
}

function start({ command, args, env, cwd }: Command): ChildProcess {
  return spawn(command, args, {
    cwd,
    env: { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '/root', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true, // a group of its own, so that stop ends its children too
  })
}

export interface Server {
  port: number
  pid: number
  stop(): Promise<void>
}

/** Starts a server that takes a port and prints `listening`. */
export async function startServer(command: (port: number) => Command): Promise<Server> {
  const port = await freePort()
  const described = command(port)
  const child = start(described)
  let errors = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    errors += text
  })
  const failed = once(child, 'error').then(([error]) => {
    throw error
  })
  const ready = (async () => {
    for await (const line of createInterface({ input: child.stdout as NodeJS.ReadableStream })) {
      if (line.startsWith('listening')) return
    }
    throw new Error(`${described.command} ended before it listened:\n${errors}`)
  })()
  await Promise.race([ready, failed])
  const pid = child.pid as number
  return {
    port,
    pid,
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return
      const ended = once(child, 'exit')
      process.kill(-pid, 'SIGKILL')
      await ended
    },
  }
}

/** Runs a program to its end; returns what it printed. @throws when it fails, with its stderr. */
export async function run(described: Command): Promise<{ pid: number; stdout: string }> {
  const child = start(described)
  const output = { stdout: '', stderr: '' }
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream]?.setEncoding('utf8').on('data', (text: string) => {
      output[stream] += text
    })
  }
  const [code, signal] = await once(child, 'close')
  if (code !== 0)
    throw new Error(`${described.command} ${described.args.join(' ')}: ${signal ?? code}\n${output.stderr}`)
  return { pid: child.pid as number, stdout: output.stdout }
}

/** A TCP port of 127.0.0.1 that is free now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}
