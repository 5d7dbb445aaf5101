import { connect } from 'node:net'
import { z } from 'zod'
import type { ContainerRuntime } from './container-runtime.js'
import { ContainerdApi } from './containerd/containerd-api.js'
import { ContainerdRuntime } from './containerd/containerd-runtime.js'
import { DockerApi } from './docker-api.js'
import { DockerRuntime } from './docker-runtime.js'
import { ContainerRuntimeError, fromSocketError } from './runtime-error.js'

/** `GET /version` (Docker Engine API, SystemVersion): Podman names itself among the components. */
const version = z.object({
  Version: z.string(),
  ApiVersion: z.string(),
  Components: z.array(z.object({ Name: z.string() })).nullish(),
})

/**
 * Connects to a container runtime and finds out which it is by asking: Docker and Podman answer HTTP/1.1, containerd
 * answers gRPC.
 *
 * @param socket path of a unix socket
 * @param namespace containerd's; the others have none
 * @throws ContainerRuntimeError
 */
export async function connectRuntime(socket: string, namespace: string): Promise<ContainerRuntime> {
  await checkSocket(socket)
  const docker = new DockerApi(socket)
  try {
    const answer = await docker.get('/version')
    const said = version.safeParse(answer?.body)
    if (!said.success || answer === null) throw notARuntime(socket, 'answers HTTP, and neither as Docker nor as Podman')
    const names = (said.data.Components ?? []).map(({ Name }) => Name)
    const podman = names.includes('Podman Engine') || answer.headers['libpod-api-version'] !== undefined
    return new DockerRuntime(docker, podman ? 'podman' : 'docker', said.data.Version)
  } catch (error) {
    docker.close()
    if (!isOtherProtocol(error)) throw asNotARuntime(socket, error)
  }
  const containerd = new ContainerdApi(socket, namespace)
  try {
    return new ContainerdRuntime(containerd, await containerd.version())
  } catch (error) {
    containerd.close()
    if (error instanceof ContainerRuntimeError && error.code === 'unavailable') {
      throw notARuntime(socket, 'speaks neither HTTP/1.1 nor gRPC', error)
    }
    throw error
  }
}

/** gRPC would try a path again and again where connect(2) says at once why it cannot be. */
function checkSocket(path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(path)
    socket.once('connect', () => {
      socket.destroy()
      resolve()
    })
    socket.once('error', (cause) => reject(fromSocketError(path, cause)))
  })
}

/** A server of another protocol closes the connection on what it cannot read, or answers with what is no HTTP/1.1. */
function isOtherProtocol(error: unknown): boolean {
  const cause = error instanceof ContainerRuntimeError ? error.cause : error
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
  return code.startsWith('HPE_') || code === 'ECONNRESET' || code === 'EPIPE'
}

function asNotARuntime(socket: string, error: unknown): unknown {
  if (!(error instanceof ContainerRuntimeError) || error.code !== 'bad_answer') return error
  return notARuntime(socket, 'answers HTTP, and neither as Docker nor as Podman', error)
}

function notARuntime(socket: string, why: string, cause?: unknown): ContainerRuntimeError {
  return new ContainerRuntimeError('not_a_runtime', `${socket}: this ${why}`, cause === undefined ? {} : { cause })
}
