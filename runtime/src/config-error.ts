/** A setting that cannot be used. The message names the variable, its flag and the value; the CLI exits with 2. */
export class ConfigError extends Error {
  readonly code = 'config_invalid'
  /** The environment variable at fault. */
  readonly variable: string
  /** What it was set to. */
  readonly value: string
  constructor(variable: string, value: string, message: string) {
    super(message)
    this.name = 'ConfigError'
    this.variable = variable
    this.value = value
  }
}
