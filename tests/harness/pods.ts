import { randomUUID } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type Client, credentials, loadPackageDefinition, type ServiceClientConstructor } from '@grpc/grpc-js'
import { loadSync } from '@grpc/proto-loader'

export interface PodDescription {
  name: string
  namespace: string
  /** Its only container. */
  container: { name: string; image: string; command: string[]; env?: Record<string, string> }
  /** Ports of the host that lead to it. */
  hostPorts?: { hostPort: number; containerPort: number }[]
}

export interface Pod {
  sandboxId: string
  containerId: string
  address: string
}

interface Answer {
  pod_sandbox_id: string
  container_id: string
  status: { network: { ip: string } }
  image: { id: string } | null
}

/** Time a call may take, milliseconds. */
const withinMs = 60_000

/**
 * Runs pods as a kubelet does: by the Container Runtime Interface, with the labels that kubelet gives
 * (pkg/kubelet/types/labels.go and pkg/kubelet/kuberuntime/labels.go of k8s.io/kubernetes).
 */
export class Pods {
  readonly #runtime: Client
  readonly #images: Client

  /** @param socket of a containerd with its CRI plugin */
  constructor(socket: string) {
    const options = { keepCase: true, defaults: true, longs: Number }
    const loaded = loadPackageDefinition(loadSync(fileURLToPath(new URL('cri.proto', import.meta.url)), options))
    const { v1 } = loaded.runtime as unknown as {
      v1: Record<'RuntimeService' | 'ImageService', ServiceClientConstructor>
    }
    const connect = (service: ServiceClientConstructor) =>
      new service(`unix:${socket}`, credentials.createInsecure(), { 'grpc.default_authority': 'localhost' })
    this.#runtime = connect(v1.RuntimeService)
    this.#images = connect(v1.ImageService)
  }

  /** Whether pods can be made of an image: the plugin hears of one that was imported a moment later. */
  async knows(image: string): Promise<boolean> {
    return (await call(this.#images, 'ImageStatus', { image: { image } })).image !== null
  }

  /** Resolves when its container has been started. */
  async run({ name, namespace, container, hostPorts = [] }: PodDescription): Promise<Pod> {
    const uid = randomUUID()
    const labels = {
      'io.kubernetes.pod.name': name,
      'io.kubernetes.pod.namespace': namespace,
      'io.kubernetes.pod.uid': uid,
    }
    const sandbox = {
      metadata: { name, uid, namespace },
      port_mappings: hostPorts.map(({ hostPort, containerPort }) => ({
        host_port: hostPort,
        container_port: containerPort,
      })),
      labels,
      linux: { cgroup_parent: `/kubepods/besteffort/pod${uid}` },
    }
    const { pod_sandbox_id } = await call(this.#runtime, 'RunPodSandbox', { config: sandbox })
    const config = {
      metadata: { name: container.name },
      image: { image: container.image },
      command: container.command,
      envs: Object.entries(container.env ?? {}).map(([key, value]) => ({ key, value })),
      labels: { ...labels, 'io.kubernetes.container.name': container.name },
    }
    const { container_id } = await call(this.#runtime, 'CreateContainer', {
      pod_sandbox_id,
      config,
      sandbox_config: sandbox,
    })
    await call(this.#runtime, 'StartContainer', { container_id })
    const { status } = await call(this.#runtime, 'PodSandboxStatus', { pod_sandbox_id })
    return { sandboxId: pod_sandbox_id, containerId: container_id, address: status.network.ip }
  }

  /** Ends it and gives its network back. */
  async remove({ sandboxId }: Pod): Promise<void> {
    await call(this.#runtime, 'StopPodSandbox', { pod_sandbox_id: sandboxId })
    await call(this.#runtime, 'RemovePodSandbox', { pod_sandbox_id: sandboxId })
  }

  close(): void {
    this.#runtime.close()
    this.#images.close()
  }
}

function call(client: Client, method: string, request: object): Promise<Answer> {
  type Unary = (request: object, options: { deadline: number }, done: (e: Error | null, a: Answer) => void) => void
  const unary = (client as unknown as Record<string, Unary>)[method] as Unary
  return promisify(unary.bind(client))(request, { deadline: Date.now() + withinMs })
}
