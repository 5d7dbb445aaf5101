/**
 * The container a cgroup path belongs to: its id of 64 hex digits, null when the path names none.
 *
 * The last component that holds an id decides, as containers can be nested. Known forms: docker (`/docker/<id>`,
 * `docker-<id>.scope`), containerd (`cri-containerd-<id>.scope`, `<namespace>/<id>`), podman (`libpod-<id>.scope`,
 * `libpod-payload-<id>`), cri-o (`crio-<id>.scope`), nerdctl (`nerdctl-<id>.scope`) and Kubernetes
 * (`/kubepods/…/<id>`), with cgroup v1 and v2.
 */
export function containerIdOf(cgroup: string): string | null {
  for (const component of cgroup.split(/[/:]/).reverse()) {
    // podman's and cri-o's monitors are not in the container.
    if (/conmon/.test(component)) continue
    const match = /^(?:[a-z0-9_.]+-)*([0-9a-f]{64})(?:\.scope|\.service)?$/.exec(component)
    if (match !== null) return match[1] as string
  }
  return null
}
