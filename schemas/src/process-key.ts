import type { ProcessKey } from './generated.js'

/** Key of a process's records: host, boot (32 hex digits), pid and start, with slashes between, as UTF-8. */
export function processKeyText(key: ProcessKey): string {
  return `${key.host}/${key.boot.toString('hex')}/${key.pid}/${key.processStart}`
}
