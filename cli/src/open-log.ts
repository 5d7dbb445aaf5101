import { type Log, openEmbeddedLog } from '@syscribe/log'

/**
 * Opens the log of a data directory without writing to it: beside a running `syscribe run`, or after it.
 * @throws LogError `unavailable` when there is none.
 */
export function openLogToRead(path: string): Promise<Log> {
  return openEmbeddedLog({ path, readOnly: true })
}
