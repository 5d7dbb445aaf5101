/**
 * - `no_socket`: there is nothing at the path. `not_a_socket`: something else is.
 * - `no_rights`: this user may not connect.
 * - `refused`: a socket, and nobody listens on it.
 * - `not_a_runtime`: who answers speaks neither the API of Docker and Podman nor containerd's.
 * - `unavailable`: the runtime ended, or ended the connection.
 * - `timeout`: no answer in time.
 * - `bad_answer`: an answer, and not what its API says.
 */
export type RuntimeErrorCode =
  | 'no_socket'
  | 'not_a_socket'
  | 'no_rights'
  | 'refused'
  | 'not_a_runtime'
  | 'unavailable'
  | 'timeout'
  | 'bad_answer'

/** A container runtime that cannot be asked. The message names the socket. */
export class ContainerRuntimeError extends Error {
  readonly code: RuntimeErrorCode
  constructor(code: RuntimeErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'ContainerRuntimeError'
    this.code = code
  }
}

/** What an error of connect(2) or of a connection means. */
export function fromSocketError(socket: string, cause: unknown): ContainerRuntimeError {
  if (cause instanceof ContainerRuntimeError) return cause
  const errno = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
  const known: Record<string, [RuntimeErrorCode, string]> = {
    ENOENT: ['no_socket', 'there is nothing at this path'],
    ENOTDIR: ['no_socket', 'a part of this path is not a folder'],
    ENOTSOCK: ['not_a_socket', 'this is not a socket'],
    EACCES: ['no_rights', 'this user may not connect to it'],
    EPERM: ['no_rights', 'this user may not connect to it'],
    ECONNREFUSED: ['refused', 'nobody listens on it'],
  }
  const [code, why] = known[errno] ?? ['unavailable', cause instanceof Error ? cause.message : String(cause)]
  return new ContainerRuntimeError(code, `${socket}: ${why}`, { cause })
}
