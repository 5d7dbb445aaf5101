/** What a TLS ClientHello says of where it goes. */
export interface ClientHello {
  /** Host name of the server_name extension (RFC 6066 section 3). */
  serverName: string | null
  /** Protocols offered by ALPN (RFC 7301). */
  alpn: readonly string[]
  /** The ClientHello was not whole yet. */
  open: boolean
}

/**
 * Reads the beginning of a client's side of TLS: a handshake record (RFC 8446 section 5.1) with a ClientHello
 * (section 4.1.2). `more` when too short to tell, `no` when it is none.
 */
export function clientHello(bytes: Buffer): ClientHello | 'more' | 'no' {
  const head = handshake(bytes, 1)
  if (head !== 'yes') return head
  // Record header 5, handshake header 4, version 2, random 32.
  let at = 43
  const end = 9 + bytes.readUIntBE(6, 3)
  const whole = Math.min(bytes.length, end)
  const found: ClientHello = { serverName: null, alpn: [], open: true }
  const session = bytes[at]
  if (session === undefined) return found
  if (session > 32) return 'no'
  at += 1 + session
  if (at + 2 > whole) return found
  at += 2 + bytes.readUInt16BE(at)
  if (at + 1 > whole) return found
  at += 1 + (bytes[at] as number)
  if (at + 2 > whole) return { ...found, open: bytes.length < end }
  at += 2
  while (at + 4 <= whole) {
    const type = bytes.readUInt16BE(at)
    const length = bytes.readUInt16BE(at + 2)
    const body = at + 4
    if (body + length > bytes.length) return found
    if (type === 0) found.serverName = hostName(bytes.subarray(body, body + length))
    if (type === 16) found.alpn = protocolNames(bytes.subarray(body, body + length))
    at = body + length
  }
  // A hello in several records is not put together: what the first one says is enough.
  found.open = bytes.length < Math.min(end, 5 + bytes.readUInt16BE(3))
  return found
}

/** The first bytes are a handshake record that begins with a ServerHello (RFC 8446 section 4.1.3). */
export function looksLikeServerHello(bytes: Buffer): 'yes' | 'more' | 'no' {
  return handshake(bytes, 2)
}

function handshake(bytes: Buffer, type: number): 'yes' | 'more' | 'no' {
  if (bytes.length > 0 && bytes[0] !== 22) return 'no'
  if (bytes.length > 1 && bytes[1] !== 3) return 'no'
  if (bytes.length > 2 && (bytes[2] as number) > 4) return 'no'
  if (bytes.length > 5 && bytes[5] !== type) return 'no'
  if (bytes.length < 11) return 'more'
  const record = bytes.readUInt16BE(3)
  const message = bytes.readUIntBE(6, 3)
  // legacy_version is 3.0 to 3.3 in every hello.
  const sane = record >= 4 && record <= 16_384 && message >= 38 && message <= 65_536
  return sane && bytes[9] === 3 && (bytes[10] as number) <= 3 ? 'yes' : 'no'
}

function hostName(body: Buffer): string | null {
  if (body.length < 5 || body[2] !== 0) return null
  const length = body.readUInt16BE(3)
  const name = body.toString('latin1', 5, 5 + length)
  return name.length === length && /^[\x21-\x7e]{1,255}$/.test(name) ? name : null
}

function protocolNames(body: Buffer): string[] {
  const names: string[] = []
  for (let at = 2; at < body.length; at += 1 + (body[at] as number)) {
    names.push(body.toString('latin1', at + 1, at + 1 + (body[at] as number)))
  }
  return names
}
