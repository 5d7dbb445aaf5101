import { createServer, type Socket } from 'node:net'
import type { RunningServer } from './running-server.js'
import { ServerError } from './server-error.js'

/**
 * Stands in for Microsoft SQL Server, which Debian has not: answers every PRELOGIN as [MS-TDS] 2.2.6.5 describes
 * (version 16.0, encryption not supported, no instance name, thread id 0) and then closes. Runs in this process.
 */
export async function start(): Promise<RunningServer> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => sockets.delete(socket))
    socket.once('data', () => socket.end(preloginAnswer))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new ServerError('start_failed', 'no port')
  const stop = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  }
  return { port: address.port, pid: process.pid, stop }
}

/** Options of token, offset and length; then their data. */
const options = Buffer.concat([
  Buffer.from([0x00, 0, 26, 0, 6]),
  Buffer.from([0x01, 0, 32, 0, 1]),
  Buffer.from([0x02, 0, 33, 0, 1]),
  Buffer.from([0x03, 0, 34, 0, 0]),
  Buffer.from([0x04, 0, 34, 0, 1]),
  Buffer.from([0xff]),
  Buffer.from([16, 0, 0x10, 0x5a, 0, 0]),
  Buffer.from([2]),
  Buffer.from([0]),
  Buffer.from([0]),
])

/** Packet header: type 4, last packet, length, SPID, packet id 1, window 0. */
const preloginAnswer = Buffer.concat([Buffer.from([4, 1, 0, 8 + options.length, 0, 0, 1, 0]), options])
