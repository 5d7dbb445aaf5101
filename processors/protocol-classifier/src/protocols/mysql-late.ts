import { matched, type Opening, type Verdict } from './protocol.js'

const statement =
  /^\s*(?:\/\*.*?\*\/\s*)?(?:select|insert|update|delete|set|show|begin|start|commit|rollback|use|call|create|replace|with|explain|drop|alter|truncate)\b/is

/**
 * MySQL recognised in mid-stream by a command the client sends (MySQL Source Code Documentation, "Command Phase"): one
 * packet of sequence 0 that holds exactly what its length says.
 */
export function lateCommand({ client: bytes, server }: Opening): Verdict {
  if (bytes.length < 5) return 'more'
  const length = bytes.readUIntLE(0, 3)
  if (bytes[3] !== 0 || length === 0) return 'no'
  const whole = bytes.length === 4 + length
  switch (bytes[4]) {
    case 0x03: {
      // COM_QUERY; with query attributes (8.0.23) the counts 0 and 1 come before the text.
      const from = bytes[5] === 0 && bytes[6] === 1 ? 7 : 5
      const text = bytes.toString('latin1', from, Math.min(bytes.length, from + 256))
      return statement.test(text) && bytes.length <= 4 + length
        ? matched('MySQL query command')
        : shorter(bytes, length)
    }
    case 0x17: {
      // COM_STMT_EXECUTE: statement id, cursor flags, iteration count, which is always 1.
      if (bytes.length < 14) return shorter(bytes, length)
      return whole && bytes.readUInt32LE(10) === 1 && (bytes[9] as number) <= 8
        ? matched('MySQL execute command')
        : 'no'
    }
    case 0x0e: {
      // COM_PING, answered by an OK_Packet of sequence 1.
      if (length !== 1 || !whole) return 'no'
      if (server.length < 7) return 'more'
      return server[3] === 1 && server[4] === 0 && server.readUIntLE(0, 3) >= 7
        ? matched('MySQL ping, answered OK')
        : 'no'
    }
    default:
      return 'no'
  }
}

/** What a server sends in mid-stream says too little without the command before it. */
export function lateAnswer({ client, server }: Opening): Verdict {
  return server.length > 0 && client.length === 0 ? 'no' : 'more'
}

function shorter(bytes: Buffer, length: number): Verdict {
  return bytes.length < 4 + Math.min(length, 64) ? 'more' : 'no'
}
