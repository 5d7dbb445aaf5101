/** What a command touches of its process, so that tests can stand in for it. */
export interface Surroundings {
  env: Readonly<Record<string, string | undefined>>
  stdout: TextOutput
  stderr: TextOutput
  /** Aborted at SIGINT or SIGTERM, for commands that end then. */
  stopSignal(): AbortSignal
}

export interface TextOutput {
  /** Resolves when more may be written; rejects with `EPIPE` when nobody reads. */
  write(text: string): Promise<void>
  isTerminal: boolean
  /** Width in characters. */
  columns: number
}

export function processSurroundings(): Surroundings {
  return {
    env: process.env,
    stdout: textOutput(process.stdout),
    stderr: textOutput(process.stderr),
    stopSignal() {
      const controller = new AbortController()
      const stop = () => controller.abort()
      process.once('SIGINT', stop)
      process.once('SIGTERM', stop)
      return controller.signal
    },
  }
}

function textOutput(stream: NodeJS.WriteStream): TextOutput {
  // The callback of write tells of it; without a listener it would end the process first.
  stream.on('error', () => {})
  return {
    write: (text) =>
      new Promise((resolve, reject) => {
        stream.write(text, (error) => (error ? reject(error) : resolve()))
      }),
    isTerminal: stream.isTTY === true,
    columns: stream.columns ?? 80,
  }
}
