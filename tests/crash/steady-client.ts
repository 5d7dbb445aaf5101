import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { programs } from '../harness/program.js'
import type { TestBed } from '../harness/test-bed.js'

/** A server on a port of 127.0.0.1. */
interface Listening {
  readonly port: number
}

/**
 * A profiled client of an echo server and of Redis that goes on until `stop`, in bursts of a dozen requests.
 * @param pauseMs between two bursts
 * @returns `stop` ends it and gives how many requests were answered rightly.
 */
export async function steadyClient(
  bed: TestBed,
  echo: Listening,
  redis: Listening,
  pauseMs = 150,
): Promise<{ stop(): Promise<number> }> {
  const child = spawn(process.execPath, [`${programs}steady.mjs`, `${echo.port}`, `${redis.port}`, `${pauseMs}`], {
    env: { PATH: process.env.PATH ?? '', ...bed.environment('steady') },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  bed.atEnd(() => child.kill('SIGKILL'))
  let printed = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    printed += text
  })
  await once(child.stdout, 'data')
  return {
    stop: async () => {
      const closed = once(child, 'close')
      child.kill('SIGTERM')
      const [code] = await closed
      if (code !== 0) throw new Error(`the client ended with ${code}`)
      return Number(printed.trim().split('\n').at(-1))
    },
  }
}
