import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * A folder for all temporary files of this process, also those of programs it starts. Call it before any is made. A signal
 * that ends the process ends everything it has started, and removes the folder.
 * @returns removes the folder
 */
export function ownFolder(): () => void {
  const folder = mkdtempSync(join(tmpdir(), 'syscribe-bench-'))
  process.env.TMPDIR = folder
  const remove = () => rmSync(folder, { recursive: true, force: true })
  for (const [signal, code] of Object.entries({ SIGTERM: 143, SIGINT: 130, SIGHUP: 129 })) {
    process.once(signal, () => {
      endDescendants()
      remove()
      process.exit(code)
    })
  }
  return remove
}

/** With SIGKILL, until none is left: one may have started another meanwhile. */
function endDescendants(): void {
  for (let round = 0; round < 20; round++) {
    const pids = descendantsOf(process.pid)
    if (pids.length === 0) return
    for (const pid of pids) {
      try {
        process.kill(pid, 'SIGKILL')
      } catch {
        // It has ended already.
      }
    }
    execFileSync('sleep', ['0.05'])
  }
}

/** All that run, those of the first generation last: whoever lost its parent could not be found any more. */
function descendantsOf(ancestor: number): number[] {
  const children = new Map<number, number[]>()
  for (const name of readdirSync('/proc')) {
    const pid = Number(name)
    if (!Number.isInteger(pid)) continue
    const [state, parent] = stateAndParent(pid)
    if (state !== 'Z') children.set(parent, [...(children.get(parent) ?? []), pid])
  }
  const below = (pid: number): number[] => (children.get(pid) ?? []).flatMap((child) => [...below(child), child])
  return below(ancestor)
}

/** proc(5), /proc/pid/stat: fields 3 and 4. */
function stateAndParent(pid: number): [state: string, parent: number] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const [state = '', parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return [state, Number(parent)]
  } catch {
    // It has ended meanwhile.
    return ['Z', 0]
  }
}
