import { readFileSync } from 'node:fs'
import { cgroupsAround, containerIdsOfCgroup } from '@syscribe/schemas'
import { cgroupPath } from '../proc-process.js'
import { parseProcStat } from '../proc-stat.js'
import { netnsInode } from './network-namespace.js'

/** What /proc tells of a container's first process. */
export interface ContainerProcess {
  /** Empty when it could not be read. */
  cgroup: string
  /** Inode number of its network namespace; 0 when it could not be read. */
  netns: number
  /** Microseconds since the Unix epoch; null when it could not be read. Up to 20 ms early. */
  startedAt: number | null
}

const nothing: ContainerProcess = { cgroup: '', netns: 0, startedAt: null }

/**
 * Reads a container's first process. A runtime in another pid namespace (Docker in Docker, a virtual machine) speaks of
 * pids that are somebody else's here: what is not in a cgroup of that container is not taken for it.
 *
 * @param asked path of the container's cgroup as its runtime was asked to make it; empty when not known
 */
export function containerProcess(id: string, pid: number, asked: string, proc = '/proc'): ContainerProcess {
  if (pid <= 0) return { ...nothing, cgroup: asked }
  try {
    const cgroup = cgroupPath(readFileSync(`${proc}/${pid}/cgroup`, 'utf8'))
    if (!isOf(id, cgroup, asked)) return { ...nothing, cgroup: asked }
    const stat = parseProcStat(readFileSync(`${proc}/${pid}/stat`, 'utf8'))
    const now = Date.now()
    const uptime = Number(readFileSync(`${proc}/uptime`, 'utf8').split(' ')[0])
    // The clock was read before the uptime, so that the start can only come out early.
    const startedAt = stat === null ? null : Math.floor((now / 1000 - uptime) * 100 + stat.processStart - 1) * 10_000
    return { cgroup: ofContainer(id, cgroup), netns: netnsInode(pid, proc), startedAt }
  } catch {
    return { ...nothing, cgroup: asked }
  }
}

function isOf(id: string, cgroup: string, asked: string): boolean {
  const components = cgroup.split('/')
  return (
    containerIdsOfCgroup(cgroup).includes(id) ||
    (asked !== '' && cgroupsAround(cgroup).some((path) => path.endsWith(asked))) ||
    components.includes(id)
  )
}

/** The container's own cgroup: its first process may be in one below it (systemd as init, crun's `container`). */
function ofContainer(id: string, cgroup: string): string {
  return cgroupsAround(cgroup).findLast((path) => containerIdsOfCgroup(path).includes(id)) ?? cgroup
}
