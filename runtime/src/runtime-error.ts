/**
 * - `not_drained`: a part failed again and again, so that not everything could be taken in.
 * - `parts_invalid`: the parts do not fit together or the log; the message says which.
 * - `replay_invalid`: what was asked of a replay cannot be done.
 * - `replay_unanswered`: no process that could do a replay answers; the message says which to start.
 * - `closed`: the parts have ended.
 * - `replay_interrupted`: the pipeline ended before a replay did; it goes on when the pipeline is started again.
 */
export type RuntimeErrorCode =
  | 'closed'
  | 'not_drained'
  | 'parts_invalid'
  | 'replay_invalid'
  | 'replay_unanswered'
  | 'replay_interrupted'

/** A fault of running processors and projections. `code` says which. */
export class RuntimeError extends Error {
  readonly code: RuntimeErrorCode
  constructor(code: RuntimeErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'RuntimeError'
    this.code = code
  }
}
