import { closeSync, existsSync, fstatSync, ftruncateSync, openSync, readSync } from 'node:fs'
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
 * Checks the header of a data file before LMDB maps it: LMDB trusts its file, and a file that ends too early would end
 * the process (SIGBUS) instead of giving an error. A writer lengthens a short file with zeros, which then read as damage.
 * @throws LogError `corrupt` with the reason.
 */
export function checkStoreFile(path: string, writable: boolean): void {
  if (!existsSync(path)) return
  const file = openSync(path, writable ? 'r+' : 'r')
  try {
    const { size } = fstatSync(file)
    if (size === 0) return
    const fault = (what: string) => new LogError('corrupt', `${path} is damaged: ${what}`)
    const first = header(file, 0)
    if (first === null) throw fault(`it does not begin as an LMDB file of format 2`)
    const newest = newer(first, header(file, first.pageSize))
    const pages = Math.floor(size / newest.pageSize)
    for (const root of [newest.freeRoot, newest.mainRoot]) {
      if (root !== noRoot && root >= BigInt(pages)) {
        throw fault(`its header names page ${root}, but it ends after ${pages} pages of ${newest.pageSize} bytes`)
      }
    }
    const whole = Number(newest.lastPage + 1n) * newest.pageSize
    // The last pages may be missing for good reason when they are free.
    if (size < whole && writable) ftruncateSync(file, whole)
  } finally {
    closeSync(file)
  }
}

/**
 * Looks at how many commits a data file has seen, with two small reads: cheaper by far than asking LMDB, whose read
 * transactions each take timers and turns of the event loop.
 */
export class CommitCounter {
  readonly #file: number
  readonly #second: number
  readonly #bytes = Buffer.alloc(8)

  constructor(path: string) {
    this.#file = openSync(path, 'r')
    this.#second = header(this.#file, 0)?.pageSize ?? 4096
  }

  count(): number {
    return Math.max(this.#at(transactionAt), this.#at(this.#second + transactionAt))
  }

  #at(position: number): number {
    readSync(this.#file, this.#bytes, 0, 8, position)
    return this.#bytes.readUInt32LE(0) + this.#bytes.readUInt32LE(4) * 0x1_0000_0000
  }

  close(): void {
    closeSync(this.#file)
  }
}

interface Header {
  pageSize: number
  freeRoot: bigint
  mainRoot: bigint
  lastPage: bigint
  transaction: bigint
}

function newer(first: Header, second: Header | null): Header {
  return second !== null && second.transaction > first.transaction ? second : first
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
    lastPage: bytes.readBigUInt64LE(lastPageAt),
    transaction: bytes.readBigUInt64LE(transactionAt),
  }
}
