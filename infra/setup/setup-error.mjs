/**
 * A fault the user can do something about: one sentence that says what is wrong and one that says what to do.
 * `detail` is the tail of the output of the command that failed.
 */
export class SetupError extends Error {
  /**
   * @param {string} what
   * @param {string} remedy
   * @param {{ detail?: string, exitCode?: 1 | 2 }} [options]
   */
  constructor(what, remedy, options = {}) {
    super(what)
    this.name = 'SetupError'
    this.remedy = remedy
    this.detail = options.detail ?? ''
    this.exitCode = options.exitCode ?? 1
  }
}
