import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { release } from 'node:os'
import { fileURLToPath } from 'node:url'
import type { RecordedConnection, RecordedPiece } from './recording-proxy.js'

/** A connection recorded between a real client and a real server. */
export interface Vector {
  scenario: string
  server: string
  client: string
  pieces: RecordedPiece[]
}

const directory = fileURLToPath(new URL('../fixtures/', import.meta.url))

/** Writes the vectors of one protocol; what is there is replaced. Clients tell servers the kernel's release: it is masked. */
export function writeVectors(protocol: string, vectors: readonly Vector[]): void {
  const text = JSON.stringify(vectors, null, 1).replaceAll(release(), '0'.repeat(release().length))
  writeFileSync(`${directory}${protocol}.json`, `${text}\n`)
}

/** All vectors, by protocol. */
export function readVectors(): { protocol: string; vector: Vector }[] {
  const files = readdirSync(directory).filter((name) => name.endsWith('.json'))
  return files.sort().flatMap((file) => {
    const vectors = JSON.parse(readFileSync(directory + file, 'utf8')) as Vector[]
    return vectors.map((vector) => ({ protocol: file.replace('.json', ''), vector }))
  })
}

/** Vectors of one scenario, numbered when the client made several connections. */
export function vectorsOf(
  scenario: string,
  server: string,
  client: string,
  connections: readonly RecordedConnection[],
): Vector[] {
  return connections.map(({ pieces }, i) => ({
    scenario: connections.length > 1 ? `${scenario}, connection ${i + 1}` : scenario,
    server,
    client,
    pieces,
  }))
}
