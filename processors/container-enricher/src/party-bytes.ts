import { type Party, recordEncoder } from '@syscribe/schemas'

const mostKept = 4096

/**
 * Encoded pairs of parties, made once for each pair that is alive: thousands of connections between the same two share
 * their bytes.
 */
export class PartyBytes {
  readonly #encode = recordEncoder('Party')
  readonly #kept = new Map<string, Buffer>()

  /** The client's Party record and then the server's. */
  of(client: Party, server: Party): Buffer {
    const key = `${textOf(client)}\n${textOf(server)}`
    const known = this.#kept.get(key)
    if (known !== undefined) return known
    if (this.#kept.size >= mostKept) this.#kept.clear()
    const bytes = Buffer.concat([this.#encode(client), this.#encode(server)])
    this.#kept.set(key, bytes)
    return bytes
  }
}

/** Tells parties apart: two with the same text are encoded alike. */
function textOf({ name, reason, container, process }: Party): string {
  return JSON.stringify([
    name,
    reason,
    container,
    process && [process.key.host, process.key.boot.toString('hex'), process.key.pid, process.key.processStart],
    process && [process.comm, process.cmdline, process.profile, process.profileName],
  ])
}
