/**
 * - `invalid`: what was asked can never work: a malformed or empty batch, a bad topic name, a transaction without a
 *   transactionalId, or over both sides of the embedded engine.
 * - `unknown_topic`: no such topic, or no such partition of it.
 * - `locked`: another process (or thread) writes here. `unavailable`: the log cannot be reached or opened.
 */
export type LogErrorCode =
  | 'invalid'
  | 'topic_mismatch'
  | 'unknown_topic'
  | 'unknown_schema'
  | 'record_too_large'
  | 'storage_full'
  | 'offset_out_of_range'
  | 'fenced'
  | 'locked'
  | 'read_only'
  | 'corrupt'
  | 'unavailable'
  | 'closed'

/** A fault of the event log. `code` says which; the message names topic, path or setting. */
export class LogError extends Error {
  readonly code: LogErrorCode
  constructor(code: LogErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'LogError'
    this.code = code
  }
}
