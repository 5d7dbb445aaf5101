import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/**
 * A network and a mount namespace of their own, held open by a process: bridges, packet filters and mounts made there
 * meet nobody else's, and are gone with the last process in them. Files are the host's.
 */
export class PrivateNamespaces {
  readonly #holder: ChildProcess
  private constructor(holder: ChildProcess) {
    this.#holder = holder
  }

  static async open(): Promise<PrivateNamespaces> {
    // What `ip netns add` makes is a file of the folder, too.
    const script =
      'ip link set lo up && mkdir -p /run/netns && mount -t tmpfs netns /run/netns && echo ready && exec tail -f /dev/null'
    const args = ['--net', '--mount', '--propagation', 'private', 'sh', '-c', script]
    const holder = spawn('unshare', args, { stdio: ['ignore', 'pipe', 'inherit'] })
    const ready = once(holder.stdout as NodeJS.ReadableStream, 'data')
    await Promise.race([
      ready,
      once(holder, 'exit').then(() => Promise.reject(new Error('no namespaces can be made here'))),
    ])
    return new PrivateNamespaces(holder)
  }

  /** A command line that runs a program in these namespaces. */
  enter(command: string, args: readonly string[]): { command: string; args: string[] } {
    return { command: 'nsenter', args: ['-t', `${this.#holder.pid}`, '-n', '-m', '--', command, ...args] }
  }

  /** Runs a program in these namespaces to its end; returns what it printed. @throws with its stderr when it fails. */
  run(command: string, ...args: string[]): string {
    const entered = this.enter(command, args)
    return execFileSync(entered.command, entered.args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  }

  /** Ends whatever still runs in them, and what these processes started (containers have namespaces of their own). */
  async close(): Promise<void> {
    if (this.#holder.exitCode !== null || this.#holder.signalCode !== null) return
    const own = namespacesOf(this.#holder.pid as number)
    const ended = once(this.#holder, 'exit')
    for (;;) {
      const members = processesIn(own).filter((pid) => pid !== this.#holder.pid)
      if (members.length === 0) break
      for (const pid of members) kill(pid)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    this.#holder.kill('SIGKILL')
    await ended
  }
}

function namespacesOf(pid: number): string[] {
  try {
    return ['mnt', 'net'].map((kind) => readlinkSync(`/proc/${pid}/ns/${kind}`))
  } catch {
    return []
  }
}

/** The processes in one of these namespaces (a rootless engine makes itself another for mounts) and all their descendants. */
function processesIn(namespaces: readonly string[]): number[] {
  const found = new Set<number>()
  const parents = new Map<number, number>()
  for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    const pid = Number(name)
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
      const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      if (state === 'Z') continue
      parents.set(pid, Number(parent))
      if (namespacesOf(pid).some((one) => namespaces.includes(one))) found.add(pid)
    } catch {
      // It has ended meanwhile.
    }
  }
  for (let size = -1; size !== found.size; ) {
    size = found.size
    for (const [pid, parent] of parents) if (found.has(parent)) found.add(pid)
  }
  return [...found]
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended meanwhile.
  }
}
