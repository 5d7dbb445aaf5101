export type ServerErrorCode = 'not_installed' | 'start_failed' | 'start_timeout'

/** A server for a test could not be had; the message says what to do. */
export class ServerError extends Error {
  readonly code: ServerErrorCode
  constructor(code: ServerErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'ServerError'
    this.code = code
  }
}
