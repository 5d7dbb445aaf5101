import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { recordsOf } from '../harness/records.js'
import type { Outputs } from '../harness/syscribe.js'
import { TestBed } from '../harness/test-bed.js'

const bed = new TestBed('killed-capture')

/** How often the log says that capture had been killed. */
async function kills(outputs: Outputs): Promise<number> {
  const losses = await recordsOf(outputs.dataDir, 'syscalls', 'CaptureLoss')
  return losses.filter(({ value }) => value.cause === 'killed').length
}

test('a capture that was killed is said by the next one, in the log too; one that ended in order is not', async () => {
  const outputs = bed.outputs()
  const first = await bed.run({}, outputs)
  expect(await first.stop(), first.stderr).toBe(0)
  const second = await bed.run({}, outputs)
  expect(second.stderr).not.toMatch(/did not end in order/)
  await second.kill9()
  expect(await kills(outputs)).toBe(0)

  const third = await bed.run({}, outputs)
  expect(await third.stop(), third.stderr).toBe(0)
  expect(third.stderr).toMatch(/did not end in order/)
  expect(await kills(outputs)).toBe(1)
  expect(existsSync(join(outputs.dataDir, 'capturing'))).toBe(false)
})
