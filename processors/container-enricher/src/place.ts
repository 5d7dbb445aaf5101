import { containerIdsOfCgroup } from '@syscribe/schemas'

/** Where a process runs, as far as its cgroup tells. */
export interface Place {
  /** Ids of the containers its cgroup names, the innermost first. */
  containerIds: readonly string[]
  cgroup: string
  /** The path names no id, but may have been made of a name that somebody chose. */
  chosen: boolean
}

export function placeOf(cgroup: string): Place {
  const containerIds = containerIdsOfCgroup(cgroup)
  return { containerIds, cgroup, chosen: containerIds.length === 0 && looksChosen(cgroup) }
}

/** `ctr` makes the path of the name its user chose: `/<namespace>/<name>`. Not so what systemd makes. */
function looksChosen(cgroup: string): boolean {
  return /^\/[^/]+\/[^/]+/.test(cgroup) && !/\.(?:slice|scope|service)(?:\/|$)/.test(cgroup)
}
