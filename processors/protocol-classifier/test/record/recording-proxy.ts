import { createConnection, createServer, type Socket } from 'node:net'

/** Bytes kept of each direction. */
const kept = 4096

/** One connection as it passed the proxy. */
export interface RecordedConnection {
  pieces: RecordedPiece[]
}

export interface RecordedPiece {
  /** Milliseconds since the connection was made. */
  ms: number
  from: 'client' | 'server'
  /** One character per byte. */
  data: string
}

/** A TCP proxy in front of a server that keeps the first bytes of every connection. */
export async function recordingProxy(
  target: number,
): Promise<{ port: number; finish(): Promise<RecordedConnection[]> }> {
  const connections: RecordedConnection[] = []
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    const upstream = createConnection({ host: '127.0.0.1', port: target })
    const connection: RecordedConnection = { pieces: [] }
    connections.push(connection)
    const began = performance.now()
    const room = { client: kept, server: kept }
    const join = (from: 'client' | 'server', source: Socket, destination: Socket): void => {
      sockets.add(source)
      source.on('data', (data) => {
        const part = data.subarray(0, room[from])
        room[from] -= part.length
        const ms = Math.round(performance.now() - began)
        if (part.length > 0) connection.pieces.push({ ms, from, data: part.toString('latin1') })
        destination.write(data)
      })
      source.on('end', () => destination.end())
      source.on('error', () => destination.destroy())
      source.on('close', () => sockets.delete(source))
    }
    join('client', client, upstream)
    join('server', upstream, client)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as { port: number }
  return {
    port,
    async finish() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
      return connections.filter(({ pieces }) => pieces.length > 0)
    },
  }
}
