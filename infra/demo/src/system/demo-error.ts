/**
 * - `server_missing`: a server program is not installed.
 * - `not_ready`: a server or program did not come up.
 * - `ended_early`: one of them ended while the demo ran.
 * - `namespace_refused`: the kernel gives no namespaces.
 */
export type DemoErrorCode = 'server_missing' | 'not_ready' | 'ended_early' | 'namespace_refused'

export class DemoError extends Error {
  readonly code: DemoErrorCode
  constructor(code: DemoErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'DemoError'
    this.code = code
  }
}
