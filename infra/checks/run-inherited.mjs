import { spawn } from 'node:child_process'

/**
 * Runs a program with this process's own output to its end. SIGTERM is passed on; Ctrl-C reaches it by the terminal.
 * @param {string} program
 * @param {readonly string[]} args
 * @param {string} cwd
 * @returns {Promise<number>} exit code, 1 when a signal ended it.
 */
export function runInherited(program, args, cwd) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, stdio: ['ignore', 'inherit', 'inherit'] })
    const pass = () => child.kill('SIGTERM')
    const wait = () => {}
    process.on('SIGTERM', pass)
    process.on('SIGINT', wait)
    child.once('error', reject)
    child.once('exit', (code) => {
      process.off('SIGTERM', pass)
      process.off('SIGINT', wait)
      resolve(code ?? 1)
    })
  })
}
