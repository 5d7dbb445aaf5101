import { chmodSync, rmSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import type { Pipeline } from '@syscribe/runtime'
import type { Logger } from 'pino'
import { explainError } from '../explain-error.js'
import { type ControlReply, type ControlRequest, controlSocket } from '../replay/control-protocol.js'

export interface ControlServer {
  close(): Promise<void>
}

/**
 * Lets other processes of the same user ask the running pipeline for a replay. Call it while holding the right to write
 * the log: a socket that lies there then is a dead process's.
 */
export async function serveControl(dataDir: string, pipeline: Pipeline, logger: Logger): Promise<ControlServer> {
  const path = controlSocket(dataDir)
  rmSync(path, { force: true })
  const connections = new Set<Socket>()
  const server = createServer((socket) => {
    connections.add(socket)
    socket.on('close', () => connections.delete(socket))
    // Who asked may go; the replay goes on without.
    socket.on('error', () => {})
    createInterface({ input: socket }).once('line', (line) => {
      answer(line, socket, pipeline, logger).catch((error) =>
        logger.error({ err: error }, 'answering a request failed'),
      )
    })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, resolve)
  })
  chmodSync(path, 0o600)
  return {
    close: () =>
      new Promise((resolve) => {
        for (const socket of connections) socket.destroy()
        server.close(() => resolve())
      }),
  }
}

async function answer(line: string, socket: Socket, pipeline: Pipeline, logger: Logger): Promise<void> {
  const reply = (message: ControlReply) => socket.write(`${JSON.stringify(message)}\n`)
  try {
    const { replay } = JSON.parse(line) as ControlRequest
    logger.info({ replay }, 'replay asked for')
    await pipeline.replay({ ...replay, progress: (progress) => reply({ event: 'progress', ...progress }) })
    reply({ event: 'done' })
  } catch (error) {
    reply({ event: 'failed', message: explainError(error)?.message ?? String(error) })
  }
  socket.end()
}
