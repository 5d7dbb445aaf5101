import { readFileSync } from 'node:fs'
import { parseConfig, settings } from '@syscribe/runtime'
import { loadAll } from 'js-yaml'
import { expect, test } from 'vitest'

// What a cluster would refuse, or run wrongly, without a word: names that do not meet.

interface Named {
  name: string
}
interface Mount extends Named {
  mountPath: string
  readOnly?: boolean
}
interface Volume extends Named {
  hostPath?: { path: string; type: string }
}
interface Container {
  args: string[]
  env: Named[]
  envFrom: { configMapRef: Named }[]
  ports: (Named & { containerPort: number })[]
  readinessProbe: { httpGet: { port: string } }
  volumeMounts: Mount[]
  securityContext: {
    privileged?: boolean
    allowPrivilegeEscalation: boolean
    readOnlyRootFilesystem: boolean
    capabilities: { drop: string[]; add: string[] }
  }
}
interface PodSpec {
  hostPID: boolean
  serviceAccountName: string
  automountServiceAccountToken: boolean
  containers: [Container]
  volumes: Volume[]
}
interface Manifest {
  kind: string
  metadata: { name: string; namespace?: string; labels?: Record<string, string> }
  data?: Record<string, string>
  spec?: {
    selector: { matchLabels: Record<string, string> }
    template: { metadata: { labels: Record<string, string> }; spec: PodSpec }
  }
}

const manifests = loadAll(readFileSync(new URL('../syscribe.yaml', import.meta.url), 'utf8')) as Manifest[]
const only = (kind: string) => {
  const found = manifests.filter((manifest) => manifest.kind === kind)
  expect(found.length, kind).toBe(1)
  return found[0] as Manifest
}
const daemonSet = only('DaemonSet')
const { template, selector } = daemonSet.spec as NonNullable<Manifest['spec']>
const pod = template.spec
const [container] = pod.containers
const configured = only('ConfigMap').data ?? {}

test('every object is in the namespace, and what is named exists', () => {
  const namespace = only('Namespace').metadata.name
  for (const manifest of manifests) {
    if (manifest.kind !== 'Namespace') expect(manifest.metadata.namespace, manifest.kind).toBe(namespace)
  }
  expect(template.metadata.labels).toMatchObject(selector.matchLabels)
  expect(pod.serviceAccountName).toBe(only('ServiceAccount').metadata.name)
  expect(container.envFrom.map(({ configMapRef }) => configMapRef.name)).toEqual([only('ConfigMap').metadata.name])
  expect(container.volumeMounts.map(({ name }) => name).sort()).toEqual(pod.volumes.map(({ name }) => name).sort())
})

test('the settings are ones that Syscribe has, and it takes their values', () => {
  const variables = Object.values(settings).map(({ variable }) => variable)
  const given = [...Object.keys(configured), ...container.env.map(({ name }) => name)]
  for (const name of given) expect(variables).toContain(name)
  const config = parseConfig({ env: { ...configured, SYSCRIBE_HOST: 'node-1' }, flags: {} })
  expect([config.outputPath, config.envOutputPath, config.serviceMapPath, config.dataDir, config.host]).toEqual([
    configured.OUTPUT_PATH,
    configured.ENV_OUTPUT_PATH,
    configured.SERVICE_MAP_PATH,
    configured.SYSCRIBE_DATA_DIR,
    'node-1',
  ])
  expect([config.containerdSocket, config.containerdNamespace]).toEqual(['/run/containerd/containerd.sock', 'k8s.io'])
  const probed = container.ports.find(({ name }) => name === container.readinessProbe.httpGet.port)
  expect(configured.SYSCRIBE_METRICS_PORT).toBe(`0.0.0.0:${probed?.containerPort}`)
})

test('what it writes outlives the pod, and what it only reads is mounted for reading', () => {
  const mounts = container.volumeMounts.map(({ name, ...mount }) => ({
    ...mount,
    hostPath: pod.volumes.find((volume) => volume.name === name)?.hostPath?.path,
  }))
  const mountOf = (file: string) =>
    mounts.find(({ mountPath }) => file === mountPath || file.startsWith(`${mountPath}/`))
  for (const variable of ['OUTPUT_PATH', 'ENV_OUTPUT_PATH', 'SERVICE_MAP_PATH', 'SYSCRIBE_DATA_DIR']) {
    const mount = mountOf(String(configured[variable]))
    expect(mount?.hostPath, variable).toBe(mount?.mountPath)
    expect(mount?.readOnly ?? false, variable).toBe(false)
  }
  for (const path of [String(configured.CONTAINERD_SOCKET), '/sys/fs/cgroup']) {
    expect(mountOf(path), path).toMatchObject({ readOnly: true, hostPath: mountOf(path)?.mountPath })
  }
})

test('it has the rights that were found to be needed, and no other', () => {
  const { securityContext } = container
  expect(securityContext.privileged ?? false).toBe(false)
  expect(securityContext).toMatchObject({ allowPrivilegeEscalation: false, readOnlyRootFilesystem: true })
  expect(securityContext.capabilities).toEqual({
    drop: ['ALL'],
    add: ['BPF', 'PERFMON', 'NET_ADMIN', 'DAC_READ_SEARCH', 'SYS_PTRACE'],
  })
  expect([pod.hostPID, pod.automountServiceAccountToken]).toEqual([true, false])
  expect(container.args).toEqual(['run'])
})
