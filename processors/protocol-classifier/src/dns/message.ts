import { addressText } from '../addresses.js'

/** What is taken from a DNS message (RFC 1035 section 4.1). */
export interface DnsMessage {
  response: boolean
  /** Response code; 0 is no error. */
  code: number
  /** The name asked for without the final dot, in the case it was sent in; null when it was not whole. */
  name: string | null
  /** Addresses of the A and AAAA records (RFC 3596) of the answer section, in order, each once. */
  addresses: string[]
}

const typeA = 1
const typeAaaa = 28
const classInternet = 1

/**
 * Reads the header, the question and the addresses of the answer section. Reads as far as the bytes go: a message cut
 * short gives what came before the cut.
 *
 * @returns null when the bytes cannot be a DNS query or answer: not one question, an unknown opcode, a name that breaks
 *   the rules.
 */
export function readDnsMessage(bytes: Buffer): DnsMessage | null {
  if (bytes.length < 12) return null
  const flags = bytes.readUInt16BE(2)
  const opcode = (flags >> 11) & 15
  const response = (flags & 0x8000) !== 0
  const answers = bytes.readUInt16BE(6)
  const sane = opcode === 0 && (flags & 0x40) === 0 && bytes.readUInt16BE(4) === 1 && (response || answers === 0)
  if (!sane) return null
  const message: DnsMessage = { response, code: flags & 15, name: null, addresses: [] }
  const question = readName(bytes, 12)
  if (question === 'bad') return null
  if (question === 'cut') return message
  message.name = question.name
  let at = question.end + 4
  for (let i = 0; i < answers && at < bytes.length; i++) {
    const owner = readName(bytes, at)
    if (typeof owner === 'string' || owner.end + 10 > bytes.length) break
    const type = bytes.readUInt16BE(owner.end)
    const length = bytes.readUInt16BE(owner.end + 8)
    const data = bytes.subarray(owner.end + 10, owner.end + 10 + length)
    const size = type === typeA ? 4 : type === typeAaaa ? 16 : 0
    if (size > 0 && data.length === size && bytes.readUInt16BE(owner.end + 2) === classInternet) {
      const address = addressText(data)
      if (!message.addresses.includes(address)) message.addresses.push(address)
    }
    at = owner.end + 10 + length
  }
  return message
}

/** A name (section 3.1), pointers followed (section 4.1.4); `end` is behind it where it stands. */
function readName(bytes: Buffer, start: number): { name: string; end: number } | 'cut' | 'bad' {
  const labels: string[] = []
  let at = start
  let end = -1
  // A name has at most 255 bytes; pointers go backwards only, so this ends.
  let size = 0
  for (;;) {
    const length = bytes[at]
    if (length === undefined) return 'cut'
    if (length === 0) return { name: labels.join('.'), end: end < 0 ? at + 1 : end }
    if (length >= 0xc0) {
      const low = bytes[at + 1]
      if (low === undefined) return 'cut'
      const target = ((length & 0x3f) << 8) | low
      if (target >= at) return 'bad'
      if (end < 0) end = at + 2
      at = target
      continue
    }
    if (length > 63) return 'bad'
    size += length + 1
    if (size > 255) return 'bad'
    if (at + 1 + length > bytes.length) return 'cut'
    labels.push(labelText(bytes.subarray(at + 1, at + 1 + length)))
    at += 1 + length
  }
}

/** A label as text; bytes outside of printable ASCII, dots and backslashes escaped as in zone files (section 5.1). */
function labelText(label: Buffer): string {
  let text = ''
  for (const byte of label) {
    if (byte === 0x2e || byte === 0x5c) text += `\\${String.fromCharCode(byte)}`
    else if (byte > 0x20 && byte < 0x7f) text += String.fromCharCode(byte)
    else text += `\\${byte.toString().padStart(3, '0')}`
  }
  return text
}
