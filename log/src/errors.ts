export type LogErrorCode =
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
