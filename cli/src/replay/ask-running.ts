import { connect, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import type { Config, ReplayProgress } from '@syscribe/runtime'
import { CliError } from '../cli-error.js'
import { type ControlReply, controlSocket, type ReplayOrder } from './control-protocol.js'
import { refuseOtherOutputs } from './refuse-other-outputs.js'

/**
 * Has the `syscribe run` that writes the data directory do a replay; resolves when it is done.
 * @returns false when none is running there.
 * @throws CliError `usage` when it writes other outputs than are configured here, `fault` with why it failed
 */
export async function askRunning(
  config: Config,
  replay: ReplayOrder,
  progress: (progress: ReplayProgress) => void,
  signal: AbortSignal,
): Promise<boolean> {
  const socket = await dial(controlSocket(config.dataDir))
  if (socket === undefined) return false
  const leave = () => socket.destroy()
  signal.addEventListener('abort', leave)
  try {
    await refuseOtherOutputs(config, replay)
    socket.write(`${JSON.stringify({ replay })}\n`)
    for await (const line of createInterface({ input: socket })) {
      const reply = JSON.parse(line) as ControlReply
      if (reply.event === 'done') return true
      if (reply.event === 'failed') throw new CliError('fault', `the replay failed: ${reply.message}`)
      progress(reply)
    }
  } finally {
    signal.removeEventListener('abort', leave)
    socket.destroy()
  }
  if (signal.aborted) throw new CliError('fault', 'no longer waiting; the replay goes on in syscribe run')
  throw new CliError('fault', 'syscribe run ended before the replay; it goes on when that is started again')
}

function dial(path: string): Promise<Socket | undefined> {
  return new Promise((resolve, reject) => {
    const socket = connect(path)
    socket.once('connect', () => resolve(socket))
    socket.once('error', (error: NodeJS.ErrnoException) => {
      // No socket, a dead process's socket, or a path longer than sun_path holds (unix(7)): nobody serves there.
      if (['ENOENT', 'ECONNREFUSED', 'EINVAL', 'ENOTDIR'].includes(error.code ?? '')) resolve(undefined)
      else
        reject(new CliError('fault', `cannot ask the running syscribe (${path}): ${error.message}`, { cause: error }))
    })
  })
}
