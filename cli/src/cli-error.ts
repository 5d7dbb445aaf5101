/**
 * - `usage`: arguments or settings that cannot be used; exit code 2.
 * - `fault`: anything else that ends the command; exit code 1.
 */
export type CliErrorCode = 'usage' | 'fault'

/** An error whose message is a whole sentence for the user. */
export class CliError extends Error {
  readonly code: CliErrorCode
  constructor(code: CliErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'CliError'
    this.code = code
  }
}
