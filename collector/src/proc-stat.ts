/** The fields of /proc/<pid>/stat that the collector uses (proc(5)). */
export interface ProcStat {
  comm: string
  parentPid: number
  /** Clock ticks (10 ms) between boot and the start of the process: field 22. */
  processStart: number
}

/** Parses /proc/<pid>/stat. The name, in parentheses, may itself hold spaces and parentheses. */
export function parseProcStat(text: string): ProcStat | null {
  const open = text.indexOf('(')
  const close = text.lastIndexOf(')')
  if (open < 0 || close < open) return null
  const fields = text.slice(close + 2).split(' ')
  const parentPid = Number(fields[1])
  const processStart = Number(fields[19])
  if (!Number.isSafeInteger(parentPid) || !Number.isSafeInteger(processStart)) return null
  return { comm: text.slice(open + 1, close), parentPid, processStart }
}
