/** A side of a TCP stream of DNS messages while it is cut into messages. Serialisable. */
export interface DnsFrames {
  /** Bytes of the message that is not whole yet, its two bytes of length first. */
  pending: Buffer
  /** Position the next byte must have. */
  next: number
}

/**
 * Takes in a piece of the stream and returns the messages it completed. DNS over TCP puts two bytes of length before
 * every message (RFC 1035 section 4.2.2). Bytes missing from the stream (`position` beyond what was expected, or
 * `length` beyond the payload) end the message they fell into; the next piece is taken to begin with a new one, as
 * resolvers send and receive by message.
 */
export function takeDnsFrames(frames: DnsFrames, position: number, length: number, payload: Buffer): Buffer[] {
  const whole = position === frames.next
  frames.next = position + length
  const bytes = whole && frames.pending.length > 0 ? Buffer.concat([frames.pending, payload]) : payload
  frames.pending = Buffer.alloc(0)
  const messages: Buffer[] = []
  let at = 0
  while (at + 2 <= bytes.length && at + 2 + bytes.readUInt16BE(at) <= bytes.length) {
    const end = at + 2 + bytes.readUInt16BE(at)
    messages.push(bytes.subarray(at + 2, end))
    at = end
  }
  if (payload.length === length) frames.pending = Buffer.from(bytes.subarray(at))
  return messages
}
