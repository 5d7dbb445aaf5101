import { readFileSync } from 'node:fs'

/** A few lines of the HTTP log: a request, its kind of answer, a connection; long values cut. */
export function httpLogExcerpt(path: string): { lines: number; text: string } {
  const records = readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
  const request = records.find(
    ({ url, status_code, direction }) => url === '/echo' && status_code === undefined && direction === 'send',
  )
  const answer = records.find(
    ({ url, status_code, direction }) => url === '/echo' && status_code !== undefined && direction === 'send',
  )
  const connection = records.find(({ event_type }) => event_type === 'connection')
  const chosen = [request, answer, connection].filter((record) => record !== undefined)
  return { lines: records.length, text: chosen.map((record) => `${JSON.stringify(record, shorter)}\n`).join('') }
}

const keptCharacters = 60

function shorter(_: string, value: unknown): unknown {
  return typeof value === 'string' && value.length > keptCharacters ? `${value.slice(0, keptCharacters)}…` : value
}

/** The first document of the environments. */
export function environmentsExcerpt(path: string): { documents: number; text: string } {
  const documents = readFileSync(path, 'utf8')
    .split(/^---\n/m)
    .filter((text) => text.trim() !== '')
  return { documents: documents.length, text: `---\n${documents.at(-1) ?? ''}` }
}

/** The beginning of the service map as written. */
export function serviceMapExcerpt(path: string, lines = 24): string {
  const all = readFileSync(path, 'utf8').trimEnd().split('\n')
  return `${all.slice(0, lines).join('\n')}\n${all.length > lines ? `… ${all.length - lines} more lines\n` : ''}`
}
