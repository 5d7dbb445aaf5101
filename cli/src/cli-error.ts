/**
 * - `usage`: arguments or settings that cannot be used; exit code 2.
 * - `fault`: anything else that ends the command; exit code 1.
 */
export type CliErrorCode = 'usage' | 'fault'

/** An error whose message is a whole sentence for the user. */
export class CliError extends Error {
  readonly code: CliErrorCode
  /** What is wrong: the message without the remedy. */
  readonly fault: string
  /** What to do about it, where one thing is sure to help. */
  readonly remedy: string | null
  constructor(code: CliErrorCode, fault: string, options: ErrorOptions & { remedy?: string | null } = {}) {
    const { remedy = null } = options
    super(remedy === null ? fault : `${fault}: ${remedy}`, options)
    this.name = 'CliError'
    this.code = code
    this.fault = fault
    this.remedy = remedy
  }
}
