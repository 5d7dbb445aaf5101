/** What to do about a file or folder that may not be written; null when rights are not why, or root has no more of them. */
export function rightsRemedy(cause: unknown): string | null {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
  if (code !== 'EACCES' && code !== 'EPERM') return null
  return process.getuid?.() === 0 ? null : 'run it as root (sudo), or choose another'
}
