const frames = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏']

/**
 * Shows steps on stderr as they run: a turning line with the newest output on a terminal, plain lines elsewhere.
 * stdout belongs to the command that follows.
 */
export class Progress {
  #stream = process.stderr
  #live = process.stderr.isTTY === true && process.env.CI === undefined
  /**
   * @template T
   * @param {string} title
   * @param {(show: (line: string) => void) => Promise<T>} work
   * @returns {Promise<T>}
   */
  async step(title, work) {
    const begin = Date.now()
    let newest = ''
    let frame = 0
    let lastPlain = begin
    const draw = () => {
      const width = (this.#stream.columns ?? 80) - 1
      this.#stream.write(`\r\x1b[2K${`${frames[frame++ % frames.length]} ${title} ${newest}`.slice(0, width)}`)
    }
    if (!this.#live) this.#stream.write(`- ${title}\n`)
    const timer = this.#live ? setInterval(draw, 100) : undefined
    try {
      const result = await work((line) => {
        newest = line
        if (this.#live || Date.now() - lastPlain < 10_000) return
        lastPlain = Date.now()
        this.#stream.write(`  ${line}\n`)
      })
      this.#end(timer, `✔ ${title} (${((Date.now() - begin) / 1000).toFixed(1)} s)`)
      return result
    } catch (error) {
      this.#end(timer, `✖ ${title}`)
      throw error
    }
  }
  /** @param {string} line */
  note(line) {
    this.#stream.write(`${line}\n`)
  }
  /**
   * @param {NodeJS.Timeout | undefined} timer
   * @param {string} line
   */
  #end(timer, line) {
    clearInterval(timer)
    this.#stream.write(`${this.#live ? '\r\x1b[2K' : ''}${line}\n`)
  }
}
