import { type Party, recordEncoder } from '@syscribe/schemas'

const mostKept = 4096
const encode = recordEncoder('Party')

/**
 * Encoded pairs of parties, made once for each pair that is alive: thousands of connections between the same two share
 * their bytes.
 */
export class PartyBytes {
  /** By the text of the client, then of the server. */
  #kept = new Map<string, Map<string, Buffer>>()
  #size = 0
  readonly #texts = new WeakMap<Party, string>()

  /** The client's Party record and then the server's. Parties must not change once given. */
  of(client: Party, server: Party): Buffer {
    if (this.#size >= mostKept) {
      this.#kept = new Map()
      this.#size = 0
    }
    const clientText = this.#textOf(client)
    const serverText = this.#textOf(server)
    const ofClient = this.#kept.get(clientText) ?? new Map<string, Buffer>()
    const known = ofClient.get(serverText)
    if (known !== undefined) return known
    const bytes = Buffer.concat([encode(client), encode(server)])
    this.#kept.set(clientText, ofClient.set(serverText, bytes))
    this.#size++
    return bytes
  }

  #textOf(party: Party): string {
    const known = this.#texts.get(party)
    if (known !== undefined) return known
    const text = textOf(party)
    this.#texts.set(party, text)
    return text
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
