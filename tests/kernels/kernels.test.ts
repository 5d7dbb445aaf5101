import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { debianKernel } from './debian-kernel.js'
import { runInGuest } from './guest.js'

// Debian's kernels verify the programs in their own way, those before 6.3 have no tracepoints on sockets, and not every
// machine that runs these tests takes programs at the end of functions.

const repository = fileURLToPath(new URL('../../', import.meta.url))
/** Consent with both kinds of loop, connections that are open already or about to end, every call; with all hooks the kernel has. */
const files = ['consent', 'adoption', 'closing', 'calls'].map((name) => `collector/test/native-${name}.test.ts`)
/** Left out: only slow in an emulator. */
const pattern = '^(?!.*(1.9 MB of variables|short processes))'

let out: string
beforeEach(() => {
  out = mkdtempSync(join(tmpdir(), 'syscribe-guest-out-'))
})
afterEach(() => {
  rmSync(out, { recursive: true, force: true })
})

interface Report {
  numPassedTests: number
  numFailedTests: number
  testResults: { assertionResults: { fullName: string; status: string; failureMessages: string[] }[] }[]
}

test.each([
  ['the kernel of this release', 'linux-image-amd64'],
  ['the newer kernel of Debian 12', 'linux-image-6.12-amd64'],
])('capture on %s', { timeout: 900_000 }, async (_, metaPackage) => {
  const kernel = await debianKernel(metaPackage)
  if (kernel === undefined) {
    // Later releases have it as their own.
    expect(metaPackage).not.toBe('linux-image-amd64')
    return
  }
  const vitest = `node node_modules/vitest/vitest.mjs run ${files.join(' ')} -t '${pattern}' --testTimeout=240000 --hookTimeout=240000`
  const script = `uname -r > /mnt/release\ncd '${repository}'\n${vitest} --reporter=json --outputFile=/mnt/report.json`
  const said = await runInGuest(kernel, script, out, 840_000)
  const read = (name: string) => (existsSync(join(out, name)) ? readFileSync(join(out, name), 'utf8') : said)
  expect(read('release').trim()).toBe(kernel.release)
  const report: Report = JSON.parse(read('report.json'))
  const results = report.testResults.flatMap(({ assertionResults }) => assertionResults)
  expect(results.filter(({ status }) => status === 'failed')).toEqual([])
  expect(report.numPassedTests).toBeGreaterThan(50)
  expect(results.some(({ fullName }) => fullName.includes('hook function'))).toBe(true)
})
