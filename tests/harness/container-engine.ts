import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PrivateNamespaces } from './private-namespaces.js'

/** A real container engine of a test's own: its own socket, data, network and mounts. */
export interface ContainerEngine {
  /** Path of its API socket. */
  readonly socket: string
  /** The namespaces it and its published ports live in: its host, as far as its containers can tell. */
  readonly host: PrivateNamespaces
  /** Its own command line; returns what it printed, trimmed. @throws with its stderr when it fails. */
  cli(...args: string[]): string
  /** Makes an image of a folder (see fillImageFolder). @param command what it runs when nothing else is asked for */
  importImage(name: string, folder: string, command?: readonly string[]): void
  /** SIGKILL to the daemon; what runs in containers may live on. */
  kill(): Promise<void>
  /** Starts the daemon again on the same data. */
  restart(): Promise<void>
  /** Ends the containers and the daemon and removes everything. */
  remove(): Promise<void>
}

/** Runs a program in the engine's namespaces; returns what it printed. */
export type Run = (command: string, ...args: string[]) => string

/** What there is to know of a kind of engine, to start one in a folder. */
export interface EngineKind {
  socket: string
  daemon: { command: string; args: string[]; env?: Record<string, string> }
  cli: { command: string; args: string[] }
  /** A command that succeeds when the daemon answers. */
  probe: { command: string; args: string[] }
  /** Folders of fixed path that the engine keeps its state in: empty ones of its own are shown to it there. */
  ownFolders?: string[]
  /** Left behind by a daemon that was killed, and taken for one that runs when its pid is used again. */
  pidfiles?: string[]
  /** What else its namespaces need before it starts. */
  prepare?(run: Run): void
  /** Ends what its namespaces do not hold. */
  endRemains?(): void
  importImage(run: Run, name: string, folder: string, command: readonly string[]): void
  removeContainers(run: Run): unknown
}

const startTimeoutMs = 60_000

/** Starts an engine; resolves when it answers. */
export async function startEngine(describe: (folder: string) => EngineKind): Promise<ContainerEngine> {
  const folder = mkdtempSync(join(tmpdir(), 'syscribe-engine-'))
  const kind = describe(folder)
  const host = await PrivateNamespaces.open()
  const env = { PATH: process.env.PATH ?? '', HOME: folder, ...kind.daemon.env }
  const run: Run = (command, ...args) => {
    const entered = host.enter(command, args)
    return execFileSync(entered.command, entered.args, {
      // Where nobody may be, too.
      cwd: '/',
      encoding: 'utf8',
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    }).trim()
  }
  for (const own of kind.ownFolders ?? []) {
    mkdirSync(own, { recursive: true })
    host.run('mount', '-t', 'tmpfs', 'engine', own)
  }
  kind.prepare?.(run)
  let daemon: ChildProcess

  async function start(): Promise<void> {
    for (const pidfile of kind.pidfiles ?? []) rmSync(pidfile, { force: true })
    const entered = host.enter(kind.daemon.command, kind.daemon.args)
    daemon = spawn(entered.command, entered.args, { env, cwd: '/', stdio: ['ignore', 'ignore', 'pipe'] })
    let errors = ''
    daemon.stderr?.setEncoding('utf8').on('data', (text: string) => {
      errors = (errors + text).slice(-20_000)
    })
    const until = Date.now() + startTimeoutMs
    for (;;) {
      try {
        if (existsSync(kind.socket)) {
          run(kind.probe.command, ...kind.probe.args)
          return
        }
      } catch (error) {
        if (Date.now() > until) throw error
      }
      if (daemon.exitCode !== null || Date.now() > until)
        throw new Error(`${kind.daemon.command} did not start:\n${errors}`)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }

  async function end(signal: NodeJS.Signals): Promise<void> {
    if (daemon.exitCode !== null || daemon.signalCode !== null) return
    const ended = once(daemon, 'exit')
    daemon.kill(signal)
    await ended
  }

  let removed = false
  async function remove(): Promise<void> {
    if (removed) return
    removed = true
    try {
      kind.removeContainers(run)
      await end('SIGTERM')
    } catch {
      // The daemon is gone: what it left is ended with the namespaces.
    }
    await host.close()
    kind.endRemains?.()
    rmSync(folder, { recursive: true, force: true })
  }

  try {
    await start()
  } catch (error) {
    await remove()
    throw error
  }
  return {
    socket: kind.socket,
    host,
    cli: (...args) => run(kind.cli.command, ...kind.cli.args, ...args),
    importImage: (name, root, command = []) => kind.importImage(run, name, root, command),
    kill: () => end('SIGKILL'),
    restart: start,
    remove,
  }
}
