import { type ChildProcess, spawn } from 'node:child_process'
import dgram from 'node:dgram'
import { once } from 'node:events'
import net from 'node:net'

/** Bytes socket-calls.c sends. */
export function pattern(size: number): Buffer {
  const bytes = Buffer.alloc(size)
  for (let n = 0; n < size; n++) bytes[n] = n * 31 + Math.floor(n / 256)
  return bytes
}

export const loopback = { 4: '127.0.0.1', 6: '::1' } as const
export type Family = keyof typeof loopback

/** Address as records carry it. */
export const loopbackBytes: Record<Family, Buffer> = {
  4: Buffer.from([127, 0, 0, 1]),
  6: Buffer.concat([Buffer.alloc(15), Buffer.from([1])]),
}

/** A TCP server that sends back what it gets, once it has `size` bytes; ends when the other does. */
export async function tcpEcho(family: Family, size: number): Promise<{ port: number; close(): void }> {
  const server = net.createServer((socket) => {
    const parts: Buffer[] = []
    let got = 0
    socket.on('data', (part) => {
      parts.push(part)
      got += part.length
      if (got === size) socket.write(Buffer.concat(parts))
    })
    socket.on('error', () => socket.destroy())
  })
  server.listen(0, loopback[family])
  await once(server, 'listening')
  return { port: (server.address() as net.AddressInfo).port, close: () => server.close() }
}

/** A UDP server that sends each datagram back. */
export async function udpEcho(family: Family): Promise<{ port: number; close(): void }> {
  const socket = dgram.createSocket(family === 4 ? 'udp4' : 'udp6')
  socket.on('message', (message, from) => socket.send(message, from.port, from.address))
  socket.bind(0, loopback[family])
  await once(socket, 'listening')
  return { port: socket.address().port, close: () => socket.close() }
}

/** Connects, sends the pattern, waits for as many bytes back. */
export async function tcpExchange(family: Family, port: number, size: number): Promise<Buffer> {
  const socket = net.connect(port, loopback[family])
  await once(socket, 'connect')
  socket.write(pattern(size))
  const parts: Buffer[] = []
  for await (const part of socket) parts.push(part as Buffer)
  return Buffer.concat(parts)
}

export interface Ended {
  pid: number
  stdout: string
}

/** Runs a program with exactly this environment; rejects when it fails. */
export async function run(
  program: string,
  words: string[],
  env: Record<string, string>,
  input?: Buffer,
): Promise<Ended> {
  const child = start(program, words, env)
  if (input !== undefined) child.stdin?.end(input)
  return ended(child)
}

export function start(program: string, words: string[], env: Record<string, string>): ChildProcess {
  return spawn(program, words, { env, stdio: ['pipe', 'pipe', 'pipe'] })
}

export async function ended(child: ChildProcess): Promise<Ended> {
  let stdout = ''
  let stderr = ''
  child.stdout?.on('data', (part) => {
    stdout += part
  })
  child.stderr?.on('data', (part) => {
    stderr += part
  })
  const [code, signal] = await once(child, 'close')
  if (code !== 0) throw new Error(`${child.spawnargs.join(' ')} ended with ${code ?? signal}: ${stderr}`)
  return { pid: child.pid as number, stdout }
}

/** Waits for the line `port N` of a socket-calls server. */
export async function portOf(child: ChildProcess): Promise<number> {
  const [line] = await once(child.stdout as NodeJS.ReadableStream, 'data')
  return Number(/port (\d+)/.exec(String(line))?.[1])
}
