import { readdirSync } from 'node:fs'
import { expect, test } from 'vitest'
import { derive, expectSameOutputs } from '../harness/derive.js'
import { run } from '../harness/program.js'
import type { Outputs } from '../harness/syscribe.js'
import { SyscribeProcess } from '../harness/syscribe-process.js'
import { TestBed } from '../harness/test-bed.js'
import { start as startRedis } from '../servers/redis.js'
import { steadyClient } from './steady-client.js'

// `syscribe run` is killed at random instants while profiled programs talk, a hundred times on one data directory. What
// it then leaves must be what one uninterrupted derivation makes of the same raw log.

const kills = 100
const bed = new TestBed('kill')

test(`killed ${kills} times, syscribe run leaves what an uninterrupted run leaves`, {
  timeout: 1_200_000,
}, async () => {
  const outputs = bed.outputs()
  const derived = bed.outputs()
  const redis = await startRedis()
  bed.atEnd(() => redis.stop())
  const echo = await bed.echo()
  const client = await steadyClient(bed, echo, redis)

  const lives = { beforeReady: 0, afterReady: 0 }
  for (let kill = 0; kill < kills; kill++) {
    const victim = new Victim(outputs)
    bed.atEnd(() => victim.kill())
    if (kill % 4 === 3) await Promise.race([pause(Math.random() * 1000), victim.ready])
    else {
      await victim.ready
      // Programs that live and die meanwhile, too.
      const curl = run({
        command: 'curl',
        args: ['-s', '-d', `kill ${kill}`, `http://127.0.0.1:${echo.port}/echo/short`],
        env: { ...bed.environment('short'), KILL: `${kill}` },
      })
      await pause(Math.random() ** 2 * 1000)
      await victim.kill()
      await curl
    }
    await victim.kill()
    lives[victim.isReady ? 'afterReady' : 'beforeReady']++
  }
  expect(lives.beforeReady).toBeGreaterThan(3)
  expect(lives.afterReady).toBeGreaterThan(50)

  const last = await bed.run({}, outputs)
  const answered = await client.stop()
  expect(await last.stop(), last.stderr).toBe(0)

  await derive(outputs.dataDir, derived)
  expectSameOutputs(outputs, derived)
  // A file set aside would be one that was not recognised after a crash.
  expect(readdirSync(outputs.directory).sort()).toEqual(['data', 'env.yaml', 'http.log', 'map.json'])

  // The comparison is of something: the traffic of all lives, each message once.
  const lines = outputs.lines()
  const ids = lines.map(({ id }) => id)
  expect(new Set(ids).size).toBe(ids.length)
  expect(lines.filter(({ url, method }) => method === 'POST' && url === '/echo/short').length).toBeGreaterThan(30)
  expect(lines.filter(({ method, direction }) => method === 'POST' && direction === 'send').length).toBeGreaterThan(500)
  expect(lines.some(({ protocol }) => protocol === 'redis')).toBe(true)
  expect(outputs.documents().length).toBeGreaterThan(20)
  expect(answered).toBeGreaterThan(1000)
})

/** One life of `syscribe run`. */
class Victim {
  readonly #process: SyscribeProcess
  /** @throws when it ends before, by itself or not. */
  readonly ready: Promise<void>
  isReady = false
  constructor(outputs: Outputs) {
    this.#process = new SyscribeProcess(['run'], { ...outputs.environment, ADI_PROFILE_ALLOWED: bed.profile })
    this.ready = this.#process.ready().then(() => {
      this.isReady = true
    })
    this.ready.catch(() => {})
  }
  async kill(): Promise<void> {
    await this.#process.kill9()
    expect(this.#process.child.signalCode, `it ended by itself: ${this.#process.stderr}`).toBe('SIGKILL')
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
