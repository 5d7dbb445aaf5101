import { type Log, LogError } from '@syscribe/log'
import { describe, expect, test } from 'vitest'
import { faultyLog } from './faulty-log.js'
import { expected, outputs, processor, projection, replay2, system } from './live-system.js'
import { testLog } from './test-log.js'
import { joiner2 } from './test-parts.js'

/** The log of a process that dies at a point of its calls. */
function dying(log: Log, fatal: number) {
  let point = 0
  const process = faultyLog(log, () => {
    if (point++ >= fatal) throw new LogError('closed', 'died')
  })
  return { process, died: () => point > fatal }
}

/** Runs `die` with a death at every point, or some of them, until there is none; several at a time. */
async function deaths(die: (fatal: number) => Promise<boolean>, step: (fatal: number) => number): Promise<number> {
  let died = 0
  let fatal = 0
  const worker = async () => {
    for (;;) {
      const point = fatal
      fatal += step(fatal)
      if (!(await die(point))) return
      died++
    }
  }
  await Promise.all(Array.from({ length: 12 }, worker))
  return died
}

describe('a death at any point', () => {
  test('of the command: it is called again and goes on', async () => {
    const died = await deaths(
      async (fatal) => {
        const log = await testLog('memory')
        const { source, target, joining, lining } = await system(log, 10)
        await joining.close()
        const deployed = await processor(log, joiner2())
        const command = dying(log, fatal)
        await replay2(command.process).catch(() => {})
        await source.append(2)
        await replay2(log)
        await deployed.close()
        expect(await outputs(log, target, lining), `death at point ${fatal}`).toEqual(await expected(log, joiner2()))
        return command.died()
      },
      (fatal) => 1 + Math.floor(fatal / 25),
    )
    expect(died).toBeGreaterThan(40)
  }, 300_000)

  test('of a projection’s process: it is started again and moves over', async () => {
    const died = await deaths(
      async (fatal) => {
        const log = await testLog('memory')
        const { source, target, joining, lining } = await system(log, 10)
        await lining.close()
        await joining.close()
        const process = dying(log, fatal)
        const mortal = await projection(process.process, target).catch(() => null)
        const replay = replay2(log)
        let over = false
        const ended = replay.then(() => {
          over = true
        })
        await Promise.race([ended, mortal?.done.catch(() => {})])
        await mortal?.close().catch(() => {})
        await source.append(2)
        const again = await projection(log, target)
        await ended
        expect(over).toBe(true)
        expect(await outputs(log, target, again), `death at point ${fatal}`).toEqual(await expected(log, joiner2()))
        return process.died()
      },
      (fatal) => 1 + Math.floor(fatal / 25),
    )
    expect(died).toBeGreaterThan(40)
  }, 300_000)

  test('of a processor’s process: it is started again in the generation that counts', async () => {
    const died = await deaths(
      async (fatal) => {
        const log = await testLog('memory')
        const { source, target, joining, lining } = await system(log, 10)
        await joining.close()
        const process = dying(log, fatal)
        const mortal = await processor(process.process, joiner2()).catch(() => null)
        const appended = source.append(2)
        await replay2(log)
        await appended
        await mortal?.close().catch(() => {})
        expect(await outputs(log, target, lining), `death at point ${fatal}`).toEqual(await expected(log, joiner2()))
        return process.died()
      },
      (fatal) => 1 + Math.floor(fatal / 25),
    )
    expect(died).toBeGreaterThan(20)
  }, 300_000)

  test('or a passing fault of a projection’s process: it goes on by itself', async () => {
    const faults = await deaths(
      async (at) => {
        const log = await testLog('memory')
        const { source, target, joining, lining } = await system(log, 10)
        await lining.close()
        await joining.close()
        let point = 0
        let isClosing = false
        const passing = faultyLog(log, () => {
          // It goes on by itself while it runs: who closes it is told of the fault.
          if (point++ === at && !isClosing) throw new LogError('unavailable', 'away for a moment')
        })
        const begun = () => projection(passing, target)
        const running = await begun().catch(() => begun())
        const close = () => {
          isClosing = true
          return running.close()
        }
        await Promise.all([replay2(log), source.append(2)])
        expect(await outputs(log, target, { ...running, close }), `fault at point ${at}`).toEqual(
          await expected(log, joiner2()),
        )
        return point > at
      },
      (at) => 1 + Math.floor(at / 25),
    )
    expect(faults).toBeGreaterThan(40)
  }, 300_000)
})
