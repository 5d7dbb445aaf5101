// Avro 1.12 binary encoding, written in place. The caller has made room.

/** Most bytes a long takes. */
export const longBytes = 10

/** An int, a long, a union's branch or an enum's index: zigzag, then seven bits a byte, the least significant first. */
export function writeLong(buffer: Buffer, position: number, value: number): number {
  let at = position
  if (value >= 0 && value < 0x40000000) {
    let low = value << 1
    while (low > 127) {
      buffer[at++] = (low & 127) | 128
      low >>>= 7
    }
    buffer[at++] = low
    return at
  }
  let high = value >= 0 ? value * 2 : value * -2 - 1
  while (high >= 0x10000000) {
    buffer[at++] = (high % 128) | 128
    high = Math.floor(high / 128)
  }
  while (high > 127) {
    buffer[at++] = (high & 127) | 128
    high >>>= 7
  }
  buffer[at++] = high
  return at
}

/** Bytes or UTF-8 text with its length. */
export function writeBytes(buffer: Buffer, position: number, bytes: Buffer, start: number, end: number): number {
  const at = writeLong(buffer, position, end - start)
  return at + copyOctets(buffer, at, bytes, start, end)
}

export function writeString(buffer: Buffer, position: number, text: string): number {
  const length = Buffer.byteLength(text)
  const at = writeLong(buffer, position, length)
  return at + buffer.write(text, at, length)
}

/** A call into the engine costs more than copying a few bytes here. */
const fewBytes = 48

export function copyOctets(buffer: Buffer, position: number, bytes: Buffer, start: number, end: number): number {
  const length = end - start
  if (length > fewBytes) bytes.copy(buffer, position, start, end)
  else for (let index = 0; index < length; index++) buffer[position + index] = bytes[start + index] as number
  return length
}
