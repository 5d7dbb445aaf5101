import { readdirSync, readFileSync } from 'node:fs'

/** A conversation of the corpus: what the client sent and what it received. */
export interface Sample {
  name: string
  sent: Buffer
  received: Buffer
}

/**
 * Reads the folder: `<name>.request` holds what the client sent and `<name>.response` what it received, in a form that
 * an editor keeps: `\r`, `\n`, `\xNN` and `\\` stand for octets, and line breaks for nothing.
 */
export function readCorpus(folder: URL): Sample[] {
  const names = new Set(
    readdirSync(folder)
      .filter((file) => /\.(request|response)$/.test(file))
      .map((file) => file.replace(/\.\w+$/, '')),
  )
  const read = (name: string) => {
    try {
      return octets(readFileSync(new URL(name, folder), 'utf8'))
    } catch {
      return Buffer.alloc(0)
    }
  }
  return [...names].sort().map((name) => ({
    name,
    sent: read(`${name}.request`),
    received: read(`${name}.response`),
  }))
}

function octets(text: string): Buffer {
  const escapes: Record<string, string> = { r: '\r', n: '\n', '\\': '\\' }
  const plain = text
    .replaceAll('\n', '')
    .replaceAll(/\\(x([0-9a-f]{2})|[rn\\])/g, (_all, code: string, hex: string | undefined) =>
      hex === undefined ? (escapes[code] as string) : String.fromCharCode(Number.parseInt(hex, 16)),
    )
  return Buffer.from(plain, 'latin1')
}
