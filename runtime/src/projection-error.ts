/**
 * - `target_unwritable`: the output cannot be opened or written; the message names the path and why.
 * - `metadata_invalid`: what was committed with the offsets is not what this projection writes.
 */
export type ProjectionErrorCode = 'target_unwritable' | 'metadata_invalid'

/** A fault of a projection's output. `code` says which. */
export class ProjectionError extends Error {
  readonly code: ProjectionErrorCode
  constructor(code: ProjectionErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'ProjectionError'
    this.code = code
  }
}

/** The `target_unwritable` of a failed file system call: its errno in words a person understands, and the path. */
export function targetUnwritable(path: string, cause: unknown): ProjectionError {
  const code = (cause as NodeJS.ErrnoException | null)?.code ?? ''
  const reason = reasons[code] ?? (cause instanceof Error ? cause.message : String(cause))
  return new ProjectionError('target_unwritable', `cannot write ${path}: ${reason}`, { cause })
}

const reasons: Record<string, string> = {
  ENOENT: 'its directory does not exist',
  ENOTDIR: 'a part of the path is not a directory',
  EISDIR: 'it is a directory',
  EACCES: 'permission denied',
  EPERM: 'not permitted',
  EROFS: 'the file system is read-only',
  ENOSPC: 'no space is left on the device',
  EDQUOT: 'the disk quota is used up',
  EFBIG: 'the file would be larger than allowed',
  EIO: 'the device reports an input/output error',
  ELOOP: 'too many symbolic links',
  ENAMETOOLONG: 'the name is too long',
  ETXTBSY: 'it is a program that runs',
}
