import { accessSync, closeSync, constants, fsyncSync, openSync, statfsSync } from 'node:fs'
import { join } from 'node:path'
import { open, type RootDatabase, type RootDatabaseOptionsWithPath } from 'lmdb'
import { LogError } from '../errors.js'
import type { KeyRange } from './keys.js'
import { makeDirectory } from './make-directory.js'
import { storeFault } from './store-fault.js'
import { checkStoreFile, StoreFile } from './store-file.js'

/** A change: `value` null removes the key. */
export interface Change {
  key: Buffer
  value: Buffer | null
}

export interface StoreOptions {
  /** `write` is for the one writer; `make` reads, and makes the store when there is none. */
  access: 'write' | 'make' | 'read'
  mapSize?: number | undefined
  /** Bytes that the file system of a path has left. */
  freeSpace?: (path: string) => number
}

/** Address space for the map; the file takes only what it holds, and LMDB maps more when it outgrows this. */
const defaultMapSize = 64 * 1024 ** 3
/** Left free for the cleaning that makes room again. */
const spaceMargin = 2 * 1024 * 1024
const pageBytes = 4096

/**
 * One LMDB environment, used as sorted keys with values. A commit is durable (fdatasync) before it is visible: without
 * `overlappingSync`, so no reader sees, and derives something from, what a power cut could still take back.
 */
export class Store {
  /** The directory of the environment, and its data file. */
  readonly path: string
  readonly file: string
  readonly #database: RootDatabase<Buffer, Buffer>
  readonly #file: StoreFile
  readonly #freeSpace: () => number
  #broken: LogError | null = null
  #closed = false
  /** Bytes within the file that removals have freed and LMDB can fill again. */
  #reusable = 0

  /** @throws LogError `corrupt`, `unavailable` */
  constructor(path: string, options: StoreOptions) {
    this.path = path
    this.file = join(path, 'data.mdb')
    const { access, mapSize = defaultMapSize, freeSpace = spaceLeft } = options
    this.#freeSpace = () => freeSpace(path)
    try {
      const writes = access === 'write'
      // All openers in a process share one environment, in the mode of the first: a reader that could write opens it
      // as a writer does, so that a writer may come later.
      const readOnly = access === 'read' && !mayWrite(this.file)
      if (access !== 'read') makeDirectory(path)
      checkStoreFile(this.file, writes)
      const settings: RootDatabaseOptionsWithPath & { permissionsMode: number } = {
        path,
        readOnly,
        mapSize,
        encoding: 'binary',
        keyEncoding: 'binary',
        overlappingSync: false,
        // One batch() is one transaction; nothing else is put in between.
        eventTurnBatching: false,
        permissionsMode: 0o600,
      }
      this.#database = open<Buffer, Buffer>(settings)
      if (access !== 'read') syncDirectory(path)
      this.#file = new StoreFile(this.file, writes)
    } catch (error) {
      throw storeFault(error, path, 'opening')
    }
  }

  get(key: Buffer): Buffer | undefined {
    this.#checkOpen()
    try {
      return this.#database.getBinary(key)
    } catch (error) {
      throw storeFault(error, this.path, 'reading')
    }
  }

  /** Keys of a range, in order. */
  keys(range: KeyRange, limit?: number): Buffer[] {
    this.#checkOpen()
    try {
      return [...this.#database.getKeys(limit === undefined ? range : { ...range, limit })]
    } catch (error) {
      throw storeFault(error, this.path, 'reading')
    }
  }

  /** The last key of a range. */
  lastKey({ start, end }: KeyRange): Buffer | undefined {
    this.#checkOpen()
    try {
      // Backwards, lmdb's ranges begin with the key itself and have no end that is excluded.
      for (const key of this.#database.getKeys({ start: end, reverse: true, limit: 2 })) {
        if (key.compare(end) < 0) return key.compare(start) >= 0 ? key : undefined
      }
      return undefined
    } catch (error) {
      throw storeFault(error, this.path, 'reading')
    }
  }

  /** Values read from now on are of the newest commit. */
  refresh(): void {
    this.#database.resetReadTxn()
  }

  get isEmpty(): boolean {
    return (this.#database.getStats() as { entryCount: number }).entryCount === 0
  }

  /** Changes with every commit, of whichever process. */
  commitCount(): number {
    return this.#file.commitCount()
  }

  /**
   * All changes or none, durable when it resolves. The next commit must wait for it. Values must not change meanwhile.
   * @throws LogError `storage_full`, `corrupt`, `unavailable`
   */
  async commit(changes: readonly Change[]): Promise<void> {
    if (this.#broken !== null) throw this.#broken
    const bytes = changes.reduce((sum, { value }) => sum + (value?.length ?? 0), 0)
    const free = this.#freeSpace()
    // Ask before LMDB fails: it prints what it meets.
    if (bytes > 0 && free < bytes + spaceMargin && this.#reusable < bytes + spaceMargin) {
      throw new LogError('storage_full', `${free} bytes are free for ${this.path}, too few to append ${bytes}`)
    }
    try {
      await this.#database.batch(() => {
        for (const { key, value } of changes) {
          if (value === null) this.#database.remove(key)
          else this.#database.put(key, value)
        }
      })
    } catch (error) {
      throw await this.#failed(error)
    }
    this.#file.makeWhole()
    if (bytes > 0) this.#reusable = Math.max(0, this.#reusable - bytes)
  }

  /** Tells that a commit has freed these bytes within the file. */
  freed(bytes: number): void {
    this.#reusable += bytes
  }

  async #failed(error: unknown): Promise<LogError> {
    let cause = error
    // lmdb rejects with a general error whose commitError rejects with the particular one.
    if (error instanceof Error && 'commitError' in error) {
      cause = await (error.commitError as Promise<unknown>).then(
        () => error,
        (commitError: unknown) => commitError,
      )
    }
    this.#reusable = 0
    const fault = storeFault(cause, this.path, 'writing', this.#freeSpace() < spaceMargin * 8)
    // After any other fault LMDB may refuse to begin a transaction, and lmdb would wait for it for ever.
    if (fault.code !== 'storage_full') this.#broken = fault
    return fault
  }

  /** A read after `close` would leave a timer in lmdb that throws where nobody can catch it. */
  #checkOpen(): void {
    if (this.#closed) throw new LogError('closed', `the log in ${this.path} is closed`)
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#file.close()
    await this.#database.close()
  }
}

/** About what storing a value takes of the file. */
export function storedBytes(value: number): number {
  return Math.ceil((value + 24) / pageBytes) * pageBytes
}

function mayWrite(file: string): boolean {
  try {
    accessSync(file, constants.W_OK)
    return true
  } catch {
    return false
  }
}

function spaceLeft(path: string): number {
  const { bavail, bsize } = statfsSync(path)
  return bavail * bsize
}

function syncDirectory(path: string): void {
  const directory = openSync(path, 'r')
  try {
    fsyncSync(directory)
  } finally {
    closeSync(directory)
  }
}
