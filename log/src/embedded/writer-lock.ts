import { spawnSync } from 'node:child_process'
import { closeSync, constants, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs'
import { LogError } from '../errors.js'

/**
 * The exclusive right to write one side of a log: a flock(2) of the open file, so the kernel gives it back when the
 * process ends in whatever way. The pid within the file only names the holder. Two openers in one process exclude each
 * other too, for the lock belongs to the open file.
 *
 * Node has no call for flock; flock(1) of util-linux (or busybox) locks the open file it inherits, and the lock stays.
 */
export class WriterLock {
  #file: number | null

  /**
   * @throws LogError `locked` naming the pid that holds it, `unavailable` when flock(1) is missing or the file cannot be
   * opened.
   */
  constructor(path: string) {
    const file = open(path)
    try {
      lock(file, path)
      ftruncateSync(file)
      writeSync(file, `${process.pid}\n`, 0)
    } catch (error) {
      closeSync(file)
      throw error
    }
    this.#file = file
  }

  release(): void {
    if (this.#file === null) return
    ftruncateSync(this.#file)
    closeSync(this.#file)
    this.#file = null
  }
}

function open(path: string): number {
  try {
    return openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600)
  } catch (error) {
    throw new LogError('unavailable', `cannot open ${path}: ${(error as Error).message}`, { cause: error })
  }
}

function lock(file: number, path: string): void {
  const result = spawnSync('flock', ['-x', '-n', '3'], { stdio: ['ignore', 'ignore', 'pipe', file] })
  if (result.error !== undefined) {
    const missing = 'code' in result.error && result.error.code === 'ENOENT'
    const why = missing ? 'the command flock (package util-linux) is missing' : result.error.message
    throw new LogError('unavailable', `cannot lock ${path}: ${why}`, { cause: result.error })
  }
  if (result.status === 0) return
  const said = result.stderr.toString().trim()
  if (result.status !== 1 || said !== '') throw new LogError('unavailable', `cannot lock ${path}: ${said}`)
  const holder = readFileSync(path, 'utf8').trim()
  const who =
    holder === ''
      ? 'another process'
      : holder === String(process.pid)
        ? `another opener in this process (pid ${holder})`
        : `the process with pid ${holder}`
  throw new LogError('locked', `${path}: ${who} writes to this log`)
}
