export type SchemaErrorCode = 'schema_incompatible' | 'record_invalid'

/** A record or schema that does not fit. `code` says how. */
export class SchemaError extends Error {
  readonly code: SchemaErrorCode
  constructor(code: SchemaErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'SchemaError'
    this.code = code
  }
}
