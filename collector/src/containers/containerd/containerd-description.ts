import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { PublishedPort } from '@syscribe/schemas'
import { z } from 'zod'

/** Labels that nerdctl gives its containers (pkg/labels of github.com/containerd/nerdctl). */
const nerdctl = {
  name: 'nerdctl/name',
  networks: 'nerdctl/networks',
  ports: 'nerdctl/ports',
  stateDir: 'nerdctl/state-dir',
}
/** Labels of the CRI plugin and of kubelet. */
const kubernetes = {
  kind: 'io.cri-containerd.kind',
  container: 'io.kubernetes.container.name',
  pod: 'io.kubernetes.pod.name',
  namespace: 'io.kubernetes.pod.namespace',
}

type Labels = Readonly<Record<string, string>>

/** Name of a container: nerdctl's; in Kubernetes `namespace/pod/container`; else its id. */
export function containerdName(id: string, labels: Labels): string {
  const pod = labels[kubernetes.pod]
  if (pod !== undefined && pod !== '') {
    const container = labels[kubernetes.container] ?? (labels[kubernetes.kind] === 'sandbox' ? 'sandbox' : id)
    return `${labels[kubernetes.namespace] ?? ''}/${pod}/${container}`
  }
  return labels[nerdctl.name] || id
}

/** Names of the networks nerdctl attached, in the order of its interfaces eth0, eth1 and so on. */
export function nerdctlNetworks(labels: Labels): string[] {
  return parsed(labels[nerdctl.networks], z.array(z.string())) ?? []
}

const portMappings = z.array(
  z.object({
    HostPort: z.number(),
    ContainerPort: z.number(),
    Protocol: z.string(),
    HostIP: z.string().nullish(),
  }),
)

/**
 * Ports that nerdctl published: from the label, or from the file in its state folder where newer versions keep them
 * (network-config.json).
 */
export function nerdctlPorts(labels: Labels): PublishedPort[] {
  const mappings = parsed(labels[nerdctl.ports], portMappings) ?? mappingsInFile(labels[nerdctl.stateDir]) ?? []
  return mappings.flatMap(({ HostPort, ContainerPort, Protocol, HostIP }) => {
    const transport = Protocol.toLowerCase()
    if (transport !== 'tcp' && transport !== 'udp') return []
    return [{ hostAddress: HostIP || '0.0.0.0', hostPort: HostPort, containerPort: ContainerPort, transport }]
  })
}

function mappingsInFile(stateDir: string | undefined): z.infer<typeof portMappings> | null {
  if (stateDir === undefined || stateDir === '') return null
  try {
    const file = readFileSync(join(stateDir, 'network-config.json'), 'utf8')
    return parsed(file, z.object({ portMappings }))?.portMappings ?? null
  } catch {
    return null // older versions have no such file
  }
}

/** What the CRI plugin keeps with a pod's sandbox: the configuration that kubelet gave (PodSandboxConfig of k8s.io/cri-api). */
const sandboxMetadata = z.object({
  Metadata: z.object({
    Config: z.object({
      port_mappings: z
        .array(
          z.object({
            protocol: z.number().default(0),
            container_port: z.number().default(0),
            host_port: z.number().default(0),
            host_ip: z.string().default(''),
          }),
        )
        .default([]),
    }),
  }),
})
/** By the numbers of the enumeration Protocol; SCTP is 2. */
const transports = ['tcp', 'udp'] as const

/** Ports of the host that lead to a pod, from what the CRI plugin keeps with its sandbox; none of other containers. */
export function podPorts(extensions: Readonly<Record<string, { value?: Buffer | undefined }>>): PublishedPort[] {
  const kept = parsed(extensions['io.cri-containerd.sandbox.metadata']?.value?.toString(), sandboxMetadata)
  return (kept?.Metadata.Config.port_mappings ?? []).flatMap(({ protocol, container_port, host_port, host_ip }) => {
    const transport = transports[protocol]
    if (transport === undefined || host_port === 0) return []
    return [{ hostAddress: host_ip || '0.0.0.0', hostPort: host_port, containerPort: container_port, transport }]
  })
}

/**
 * Path of the cgroup that an OCI runtime specification asks for (`linux.cgroupsPath`): a path, or `slice:prefix:name`
 * for the systemd driver, which makes `<slice>/<prefix>-<name>.scope`. Empty when it says nothing.
 */
export function specCgroup(spec: Buffer | undefined): string {
  const asked = parsed(spec?.toString(), z.object({ linux: z.object({ cgroupsPath: z.string() }) }))
  const path = asked?.linux.cgroupsPath ?? ''
  const [slice, prefix, name, ...more] = path.split(':')
  if (name === undefined || more.length > 0) return path
  return `${slicePath(slice === '' ? 'system.slice' : (slice as string))}/${prefix === '' ? '' : `${prefix}-`}${name}.scope`
}

/** systemd.slice(5): `a-b.slice` lies in `a.slice`. */
function slicePath(slice: string): string {
  const parts = slice.replace(/\.slice$/, '').split('-')
  return parts.map((_, index) => `/${parts.slice(0, index + 1).join('-')}.slice`).join('')
}

function parsed<T>(text: string | undefined, schema: z.ZodType<T>): T | null {
  if (text === undefined) return null
  try {
    return schema.parse(JSON.parse(text))
  } catch {
    return null
  }
}
