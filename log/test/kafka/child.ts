import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

/** A program of the tests and what it says, line by line. */
export interface Child {
  process: ChildProcess
  /** The next line; what it said before its end when there is none. */
  line(): Promise<string>
  exit(): Promise<number | null>
  kill(): Promise<void>
}

export function startChild(file: string, ...args: string[]): Child {
  const child = spawn(process.execPath, [file, ...args], { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const exited = once(child, 'exit')
  return {
    process: child,
    line: async () => {
      const { value, done } = await lines.next()
      return done ? 'it has ended' : String(value)
    },
    exit: async () => (await exited)[0] as number | null,
    kill: async () => {
      child.kill('SIGKILL')
      await exited
    },
  }
}
