import { spawnSync } from 'node:child_process'
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  openSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { CliError } from '../cli-error.js'
import { type OutputConfig, outputFiles } from './check-outputs.js'

export interface OutputLocks {
  /** Outputs whose folder takes no lock file: nothing keeps another process from them. */
  readonly unlocked: readonly string[]
  release(): void
}

/**
 * The exclusive right to write the outputs, so that two runs with data directories of their own do not take each
 * other's files. Each is a flock(2) of a file beside the output, `.NAME.lock` with the holder's pid, and not of the
 * output itself, which is replaced and set aside. The kernel gives the locks back when the process ends in whatever way;
 * the files go at `release`. What is no plain file (a pipe, /dev/null) is not locked.
 * @throws CliError `fault` naming the output and the pid that writes it.
 */
export function lockOutputs(config: OutputConfig): OutputLocks {
  return lockFiles(outputFiles(config))
}

/** The same for files that no setting names. @throws CliError `fault` with the name the user has for it */
export function lockFiles(files: readonly { name: string; path: string }[]): OutputLocks {
  const held: (() => void)[] = []
  const unlocked: string[] = []
  const release = () => {
    for (const unlock of held.splice(0)) unlock()
  }
  try {
    for (const { name, path } of files) {
      if (!isPlainFile(path)) continue
      const unlock = lock(name, lockPath(path))
      if (unlock === undefined) unlocked.push(path)
      else held.push(unlock)
    }
  } catch (error) {
    release()
    throw error
  }
  return { unlocked, release }
}

/** Whether it is a plain file, or will be one. */
function isPlainFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? true
}

/** Two paths of one file give one lock. */
function lockPath(path: string): string {
  const place = existsSync(path) ? realpathSync(path) : join(realpathSync(dirname(resolve(path))), basename(path))
  return join(dirname(place), `.${basename(place)}.lock`)
}

/** Undefined when no file can be made there. */
function lock(name: string, path: string): (() => void) | undefined {
  for (;;) {
    const file = open(path)
    if (file === undefined) return undefined
    try {
      flock(file, name, path)
      // Who held it until now may have removed it between opening and locking: then the lock is of a file without a name.
      if (statSync(path, { throwIfNoEntry: false })?.ino !== fstatSync(file).ino) {
        closeSync(file)
        continue
      }
      writeSync(file, `${process.pid}\n`.padEnd(12), 0)
    } catch (error) {
      closeSync(file)
      throw error
    }
    return () => {
      // Removed while still held, so that nobody else's is removed; gone already, when somebody has cleared the folder.
      rmSync(path, { force: true })
      closeSync(file)
    }
  }
}

function open(path: string): number | undefined {
  try {
    return openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600)
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
    if (['EACCES', 'EPERM', 'EROFS'].includes(code)) return undefined
    throw new CliError('fault', `cannot make the lock file ${path}: ${(cause as Error).message}`, { cause })
  }
}

/** Node has no call for flock; flock(1) locks the open file it inherits, and the lock stays with that. */
function flock(file: number, name: string, path: string): void {
  const result = spawnSync('flock', ['-x', '-n', '3'], { stdio: ['ignore', 'ignore', 'pipe', file] })
  if (result.status === 0) return
  const said = result.error?.message ?? result.stderr.toString().trim()
  if (result.status !== 1 || said !== '') throw new CliError('fault', `cannot lock ${path}: ${said}`)
  const pid = readFileSync(path, 'utf8').trim()
  const holder = pid === '' ? 'another process' : `the process with pid ${pid}`
  throw new CliError('fault', `${name} is written by ${holder}: stop that, or choose another file`)
}
