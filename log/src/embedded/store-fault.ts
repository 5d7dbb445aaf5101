import { LogError } from '../errors.js'

// Codes of lmdb.h, and errno of Linux.
const corrupt = new Set([-30797, -30796, -30793, -30785])
const versionMismatch = -30794
const full = new Set([28 /* ENOSPC */, 122 /* EDQUOT */, 27 /* EFBIG */, -30792 /* MDB_MAP_FULL */])
const denied = new Set([13 /* EACCES */, 1 /* EPERM */, 30 /* EROFS */])

/** An LMDB error as a LogError: `storage_full`, `corrupt` or `unavailable`. */
export function storeFault(error: unknown, path: string, doing: string, shortOfSpace = false): LogError {
  if (error instanceof LogError) return error
  const code = codeOf(error)
  const cause = { cause: error }
  if (code !== undefined) {
    // LMDB reports a write that was cut short by a full disk as EIO.
    if (full.has(code) || (code === 5 && shortOfSpace)) {
      return new LogError('storage_full', `no space left ${doing} ${path}`, cause)
    }
    if (corrupt.has(code)) return new LogError('corrupt', `the log in ${path} is damaged (${text(error)})`, cause)
    if (code === versionMismatch) {
      return new LogError('corrupt', `${path} was written by another version of the store (${text(error)})`, cause)
    }
    if (denied.has(code)) return new LogError('unavailable', `no permission to use ${path} (${text(error)})`, cause)
  }
  return new LogError('unavailable', `${doing} ${path} failed: ${text(error)}`, cause)
}

/** LMDB's code or errno; Node has the latter negative, in `errno`. */
function codeOf(error: unknown): number | undefined {
  if (!(error instanceof Error)) return undefined
  if ('code' in error && typeof error.code === 'number') return error.code
  return 'errno' in error && typeof error.errno === 'number' ? -error.errno : undefined
}

function text(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
