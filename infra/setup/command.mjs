import { spawn } from 'node:child_process'

const keptLines = 60

/**
 * Runs a program to its end without a terminal; its output goes line by line to `onLine`.
 *
 * @param {string} program
 * @param {readonly string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, uid?: number, gid?: number, onLine?: (line: string) => void }} [options]
 * @returns {Promise<{ code: number, tail: string }>} exit code (128 + signal when killed) and the last lines.
 */
export function run(program, args, options = {}) {
  const { onLine, ...spawnOptions } = options
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { ...spawnOptions, stdio: ['ignore', 'pipe', 'pipe'] })
    /** @type {string[]} */
    const lines = []
    for (const stream of [child.stdout, child.stderr]) {
      let rest = ''
      stream.setEncoding('utf8')
      stream.on('data', (text) => {
        const parts = (rest + text).split(/[\r\n]+/)
        rest = parts.pop() ?? ''
        for (const line of parts) take(line)
      })
      stream.on('end', () => take(rest))
    }
    /** @param {string} line */
    function take(line) {
      if (line.trim() === '') return
      lines.push(line)
      if (lines.length > keptLines) lines.shift()
      onLine?.(line.trim())
    }
    const stop = () => child.kill('SIGTERM')
    process.once('exit', stop)
    child.once('error', (cause) => {
      process.off('exit', stop)
      reject(cause)
    })
    child.once('close', (code, signal) => {
      process.off('exit', stop)
      resolve({ code: code ?? (signal === null ? 1 : 128), tail: lines.join('\n') })
    })
  })
}
