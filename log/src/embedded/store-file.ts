import { closeSync, fstatSync, ftruncateSync, openSync, readSync, statSync } from 'node:fs'
import { LogError } from '../errors.js'

// LMDB's data file of format 2 (mdb.c: MDB_page_header, MDB_meta): two header pages, the newer one counts.
const magicAt = 24
const versionAt = 28
const pageSizeAt = 48
const freeRootAt = 88
const mainRootAt = 136
const lastPageAt = 144
const transactionAt = 152
const headerBytes = 168
const magic = 0xbeefc0de
const noRoot = 0xffffffffffffffffn

/**
 * LMDB's data file, looked at beside LMDB. LMDB trusts its file: one that ends too early would end the process (SIGBUS)
 * instead of giving an error. Its last pages may be missing for good reason, when a commit took and freed them; the writer
 * puts zeros there, so that a file which is too short is always a damaged one for a reader, and reads as damage for a writer.
 */
export class StoreFile {
  readonly #path: string
  readonly #file: number
  readonly #writable: boolean
  readonly #counter = Buffer.alloc(8)
  readonly #pageSize: number

  /**
   * Opens an existing data file. `writable` is for the one writer only: a file must not be lengthened while another
   * lengthens it.
   * @throws LogError `corrupt` with the reason.
   */
  constructor(path: string, writable: boolean) {
    this.#path = path
    this.#writable = writable
    this.#file = openSync(path, writable ? 'r+' : 'r')
    try {
      const first = header(this.#file, 0)
      if (first === null) throw this.#fault('it does not begin as an LMDB file of format 2')
      this.#pageSize = first.pageSize
      this.#checkRoots()
      if (writable) this.makeWhole()
      else this.#checkWhole()
    } catch (error) {
      closeSync(this.#file)
      throw error
    }
  }

  /** How many commits the file has seen, whoever made them: two reads of 8 bytes. */
  commitCount(): number {
    return Math.max(this.#number(transactionAt), this.#number(this.#pageSize + transactionAt))
  }

  /** Puts zeros where the file lacks pages that its header counts. */
  makeWhole(): void {
    const whole = this.#wholeBytes()
    if (this.#writable && fstatSync(this.#file).size < whole) ftruncateSync(this.#file, whole)
  }

  close(): void {
    closeSync(this.#file)
  }

  #checkRoots(): void {
    const first = header(this.#file, 0)!
    const second = header(this.#file, this.#pageSize)
    const newest = second !== null && second.transaction > first.transaction ? second : first
    // Sizes are asked for after the header: a writer may be at work, and the file only grows.
    const pages = Math.floor(fstatSync(this.#file).size / this.#pageSize)
    for (const root of [newest.freeRoot, newest.mainRoot]) {
      if (root !== noRoot && root >= BigInt(pages)) {
        throw this.#fault(`its header names page ${root}, but it ends after ${pages} pages of ${this.#pageSize} bytes`)
      }
    }
  }

  #checkWhole(): void {
    // A writer may be between a commit and making the file whole.
    for (let patience = 0; patience < 5; patience++) {
      const whole = this.#wholeBytes()
      const { size } = fstatSync(this.#file)
      if (size >= whole) return
      if (patience === 4) throw this.#fault(`it has ${size} bytes, less than the ${whole} of its header`)
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20)
    }
  }

  #wholeBytes(): number {
    const newer = this.#number(transactionAt) >= this.#number(this.#pageSize + transactionAt) ? 0 : this.#pageSize
    return (this.#number(newer + lastPageAt) + 1) * this.#pageSize
  }

  #number(position: number): number {
    readSync(this.#file, this.#counter, 0, 8, position)
    return this.#counter.readUInt32LE(0) + this.#counter.readUInt32LE(4) * 0x1_0000_0000
  }

  #fault(what: string): LogError {
    return new LogError('corrupt', `${this.#path} is damaged: ${what}`)
  }
}

/** Checks a data file before LMDB maps it; none, or an empty one, is fine. @throws LogError `corrupt` */
export function checkStoreFile(path: string, writable: boolean): void {
  if (hasContent(path)) new StoreFile(path, writable).close()
}

function hasContent(path: string): boolean {
  return (statSync(path, { throwIfNoEntry: false })?.size ?? 0) > 0
}

interface Header {
  pageSize: number
  freeRoot: bigint
  mainRoot: bigint
  transaction: bigint
}

function header(file: number, position: number): Header | null {
  const bytes = Buffer.alloc(headerBytes)
  if (readSync(file, bytes, 0, headerBytes, position) < headerBytes) return null
  const pageSize = bytes.readUInt32LE(pageSizeAt)
  const powerOfTwo = pageSize >= 256 && pageSize <= 65536 && (pageSize & (pageSize - 1)) === 0
  if (bytes.readUInt32LE(magicAt) !== magic || bytes.readUInt32LE(versionAt) !== 2 || !powerOfTwo) return null
  return {
    pageSize,
    freeRoot: bytes.readBigUInt64LE(freeRootAt),
    mainRoot: bytes.readBigUInt64LE(mainRootAt),
    transaction: bytes.readBigUInt64LE(transactionAt),
  }
}
