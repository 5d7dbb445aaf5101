import { setTimeout as sleep } from 'node:timers/promises'

const pauseMs = 250

/**
 * Does `work` again and again until it succeeds: a server that was started beside this program may come up later.
 * @throws what `work` threw last, once `signal` is aborted.
 */
export async function untilItWorks<Result>(
  what: string,
  signal: AbortSignal,
  work: () => Promise<Result>,
): Promise<Result> {
  let told = ''
  for (;;) {
    try {
      return await work()
    } catch (error) {
      if (signal.aborted) throw error
      const message = `${what}: ${error instanceof Error ? error.message : String(error)}\n`
      if (message !== told) process.stderr.write(message)
      told = message
      await sleep(pauseMs, undefined, { signal }).catch(() => {})
    }
  }
}
