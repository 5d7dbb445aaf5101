import { expect, test } from 'vitest'
import { recordedOutputs, unpackRecording } from '../fixtures/recording.js'
import { derive, deriveAsNobody, expectSameOutputs } from '../harness/derive.js'
import { node, programs, run, startServer } from '../harness/program.js'
import { TestBed } from '../harness/test-bed.js'
import { start as startRedis } from '../servers/redis.js'

// The same raw log gives the same three files: live, derived again, by whom and where ever.

const bed = new TestBed('replay')

test('what a live run wrote is what a user without rights derives from its raw log', { timeout: 120_000 }, async () => {
  const redis = await startRedis()
  bed.atEnd(redis.stop)
  const env = (name: string) => bed.environment(name)
  const echo = await bed.echo()
  // Its connections are older than the recording.
  const early = await startServer(() => ({ ...node('steady.mjs', `${echo.port}`, `${redis.port}`), env: env('early') }))
  bed.atEnd(early.stop)
  const outputs = bed.outputs()
  const live = await bed.run({ SYSCRIBE_CAPTURE_LIMIT: '16K' }, outputs)
  const url = `http://127.0.0.1:${echo.port}`
  await run({ ...node('client.mjs', url, '200'), env: env('node-client') })
  await run({ command: 'python3', args: [`${programs}client.py`, url, '50'], env: env('python-client') })
  await run({ ...node('store-client.mjs', 'redis', `${redis.port}`), env: env('store-client') })
  await early.stop()
  expect(await live.stop(), live.stderr).toBe(0)

  const derived = bed.outputs()
  await deriveAsNobody(outputs.dataDir, derived)
  expectSameOutputs(derived, outputs)
  const again = bed.outputs()
  await derive(outputs.dataDir, again)
  expectSameOutputs(again, derived)
  // The comparison is of something.
  const lines = outputs.lines()
  expect(lines.filter(({ method, direction }) => method === 'POST' && direction === 'send').length).toBeGreaterThan(250)
  expect(lines.some(({ missing_reason }) => missing_reason === 'capture_cap')).toBe(true)
  expect(outputs.map().services.map(({ name }) => name)).toEqual([
    'early',
    'node-client',
    'python-client',
    'store-client',
  ])
})

test('the recorded log of the repository gives the files beside it, for a user without rights', async () => {
  const unpacked = bed.outputs()
  await unpackRecording(unpacked.dataDir)
  const derived = bed.outputs()
  await deriveAsNobody(unpacked.dataDir, derived)
  expectSameOutputs(derived, recordedOutputs)
  expect(derived.lines().length).toBeGreaterThan(50)
})
