/**
 * What stands before the Avro bytes of a message's value and names the schema they were written with.
 *
 * - Confluent's wire format, with a schema registry: 0x00, then the registry's id, 4 bytes big-endian.
 * - Avro's single-object encoding (Avro 1.12, "Single-object encoding"), without: 0xC3 0x01, then the CRC-64-AVRO
 *   fingerprint of the schema's parsing canonical form, 8 bytes little-endian. In memory a schema's id is the lower half.
 *
 * Both are understood on reading, whichever is written. Schema id 0, none, is written as id or fingerprint 0.
 */
export const confluentBytes = 5
export const singleObjectBytes = 10

/** The bytes before values of a schema id of the registry. */
export function confluentFrame(schemaId: number): Buffer {
  const frame = Buffer.alloc(confluentBytes)
  frame.writeUInt32BE(schemaId, 1)
  return frame
}

/** The bytes before values of a schema of this fingerprint. */
export function singleObjectFrame(fingerprint: bigint): Buffer {
  const frame = Buffer.alloc(singleObjectBytes)
  frame[0] = 0xc3
  frame[1] = 0x01
  frame.writeBigUInt64LE(fingerprint, 2)
  return frame
}

/** Bytes of the frame that a value from `start` to below `end` begins with; 0 when it has none. */
export function frameBytes(bytes: Uint8Array, start: number, end: number): number {
  if (bytes[start] === 0x00 && end - start >= confluentBytes) return confluentBytes
  if (bytes[start] === 0xc3 && bytes[start + 1] === 0x01 && end - start >= singleObjectBytes) return singleObjectBytes
  return 0
}

/** Schema id in the frame of this length at `start`. */
export function frameSchemaId(bytes: Uint8Array, start: number, length: number): number {
  if (length === confluentBytes) {
    return ((bytes[start + 1]! << 24) | (bytes[start + 2]! << 16) | (bytes[start + 3]! << 8) | bytes[start + 4]!) >>> 0
  }
  if (length === singleObjectBytes) {
    return (bytes[start + 2]! | (bytes[start + 3]! << 8) | (bytes[start + 4]! << 16) | (bytes[start + 5]! << 24)) >>> 0
  }
  return 0
}
