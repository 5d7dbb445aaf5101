import type { PodRef } from '@syscribe/schemas'

/** What the CRI gives every container of a pod (kubelet's pkg/kubelet/types/labels.go). */
const labelNames = {
  name: 'io.kubernetes.pod.name',
  namespace: 'io.kubernetes.pod.namespace',
  uid: 'io.kubernetes.pod.uid',
} as const

/** Random suffixes are of these characters only, so that they form no words (k8s.io/apimachinery, util/rand). */
const random = '[bcdfghjklmnpqrstvwxz2456789]'
/** A Deployment's pod: the hash of its ReplicaSet, up to 10 characters, and the pod's own 5. */
const ofDeployment = new RegExp(`^(.+)-${random}{6,10}-${random}{5}$`)
/** A CronJob's pod: the minute it was due, since 1970, and the pod's own 5. */
const ofCronJob = new RegExp(`^(.+)-\\d{8}-${random}{5}$`)
/** A pod of a DaemonSet, a Job, or a ReplicaSet that somebody made by hand. */
const ofSet = new RegExp(`^(.+)-${random}{5}$`)
/** A StatefulSet's pod: its ordinal. */
const ofStatefulSet = /^(.+)-\d+$/

/** The pod a container is in by its labels; null outside Kubernetes. */
export function podOf(labels: Readonly<Record<string, string>>): PodRef | null {
  const name = labels[labelNames.name]
  if (name === undefined || name === '') return null
  return { namespace: labels[labelNames.namespace] ?? '', name, workload: workloadOf(name) }
}

/** Tells pods of one name apart; null outside Kubernetes. */
export function podUid(labels: Readonly<Record<string, string>>): string | null {
  return labels[labelNames.uid] ?? null
}

/**
 * What a pod is one of, by its name: Deployments, StatefulSets, DaemonSets, Jobs and CronJobs name their pods after
 * themselves. The name of a pod made by hand is its own, unless it happens to look like one of theirs.
 */
export function workloadOf(pod: string): string {
  for (const pattern of [ofDeployment, ofCronJob, ofSet, ofStatefulSet]) {
    const workload = pattern.exec(pod)?.[1]
    if (workload !== undefined) return workload
  }
  return pod
}

/**
 * Whether a container only holds a pod's network: it runs nothing that is called. containerd's and CRI dockerd's labels,
 * and the images of Kubernetes and Podman.
 */
export function isSandbox(labels: Readonly<Record<string, string>>, image: string): boolean {
  return (
    labels['io.cri-containerd.kind'] === 'sandbox' ||
    labels['io.kubernetes.docker.type'] === 'podsandbox' ||
    /(?:^|\/)(?:podman-)?pause(?:-[a-z0-9]+)?(?:[:@]|$)/.test(image)
  )
}
