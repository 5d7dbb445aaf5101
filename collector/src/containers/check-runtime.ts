import type { Check } from '../self-check.js'
import { connectRuntime } from './connect-runtime.js'
import type { RuntimeKind } from './container-runtime.js'
import type { ContainerSource } from './container-watcher.js'
import { ContainerRuntimeError, type RuntimeErrorCode } from './runtime-error.js'

const remedies: Record<RuntimeErrorCode, string> = {
  no_socket:
    'Give the path of the socket: /var/run/docker.sock, /run/containerd/containerd.sock, /run/podman/podman.sock, or below /run/user/UID for rootless ones. Podman has one only while its service runs: systemctl enable --now podman.socket',
  not_a_socket: 'Give the path of the socket itself, not of its folder or of the program.',
  no_rights: 'Run as root, or as a user who may use the runtime.',
  refused: 'Start the container runtime: the socket is left over from an earlier one.',
  not_a_runtime: 'Give the socket of Docker, Podman or containerd itself, not that of a shim or of another service.',
  unavailable: 'See the log of the container runtime.',
  timeout: 'See the log of the container runtime.',
  bad_answer:
    'See the log of the container runtime; its version may be too old (Docker 18.09, Podman 3, containerd 1.4).',
}

const names: Record<RuntimeKind, string> = { docker: 'Docker', podman: 'Podman', containerd: 'containerd' }

/** What `syscribe doctor` says of the container runtime. */
export async function checkContainerRuntime({ socket, namespace }: ContainerSource): Promise<Check> {
  const name = 'containers'
  try {
    const runtime = await connectRuntime(socket, namespace)
    try {
      const running = (await runtime.running()).length
      const advice = await runtime.advice()
      const found = `${names[runtime.kind]} ${runtime.version} answers at ${socket}, ${running} ${running === 1 ? 'container runs' : 'containers run'}`
      if (advice === null) return { name, ok: true, detail: `${found}.`, remedy: null }
      return { name, ok: 'warn', detail: `${found}; ${advice.what}.`, remedy: advice.remedy }
    } finally {
      runtime.close()
    }
  } catch (error) {
    if (!(error instanceof ContainerRuntimeError)) throw error
    const detail = `Containers are not named until the runtime answers: ${error.message}.`
    return { name, ok: 'warn', detail, remedy: remedies[error.code] }
  }
}
