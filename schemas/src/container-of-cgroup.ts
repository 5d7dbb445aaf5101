/**
 * Which container a process is in, from the path of its cgroup.
 *
 * Runtimes end the path with a component made of the container's id: the bare id (cgroupfs driver), or
 * `<runtime>-<id>.scope` (systemd driver). What runs inside may make cgroups below it (systemd as init, crun's
 * `container`, a nested runtime), so every component counts, the innermost first. Forms known:
 *
 * - Docker: `/docker/<id>`, `/system.slice/docker-<id>.scope`, any `--cgroup-parent` before it, `user.slice/…` rootless
 * - Podman: `libpod-<id>.scope`, `/libpod_parent/libpod-<id>`, `libpod-payload-<id>` (--cgroups=split)
 * - containerd: `/<namespace>/<id>`, `nerdctl-<id>.scope`; CRI `cri-containerd-<id>.scope`, `crio-<id>.scope`,
 *   `/kubepods/<class>/pod<uid>/<id>`, `<slice>:cri-containerd:<id>`
 *
 * Docker, Podman, nerdctl and CRI make ids of 64 hex digits. `ctr` lets its user choose the id, so that it looks like
 * any other component: such a container is told by the path of its own cgroup (`Container.cgroup`), see
 * {@link cgroupsAround}.
 */

const idComponent = /^(?:[A-Za-z0-9_.]+-)*([0-9a-f]{64})(?:\.scope|\.service)?$/

/**
 * Ids of the containers that a cgroup path lies in, the innermost first: the first one that its runtime knows is the
 * container. Empty when the path names none.
 *
 * @param cgroup as in ProcessSeen.cgroup: absolute, or with fewer than all of its leading components, or with leading
 *   `..` (seen from another cgroup namespace, cgroup_namespaces(7))
 */
export function containerIdsOfCgroup(cgroup: string): string[] {
  const ids: string[] = []
  for (const component of cgroup.split(/[/:]/).reverse()) {
    // The monitor of Podman and CRI-O has a cgroup of its own, which is not in the container.
    if (component.includes('conmon')) continue
    const id = idComponent.exec(component)?.[1]
    if (id !== undefined && !ids.includes(id)) ids.push(id)
  }
  return ids
}

/**
 * The path and every path above it but the root, the longest first: a process is in a container when one of them is the
 * container's own cgroup. Empty for the root and for an unknown path.
 */
export function cgroupsAround(cgroup: string): string[] {
  const around: string[] = []
  for (let path = cgroup; path.length > 1; path = path.slice(0, Math.max(0, path.lastIndexOf('/')))) around.push(path)
  return around
}
