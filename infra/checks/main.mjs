// `npm test`, after set-up and build: types, lint, and every test. The last line counts tests and checks together.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runInherited } from './run-inherited.mjs'
import { countTests } from './test-counts.mjs'

const root = fileURLToPath(new URL('../..', import.meta.url))
const bin = (/** @type {string} */ name) => join(root, 'node_modules/.bin', name)
const ci = process.env.CI !== undefined && process.env.CI !== '' && process.env.CI !== 'false'
const folder = mkdtempSync(join(tmpdir(), 'syscribe-tests-'))
const report = join(folder, 'report.json')
const counts = { passed: 0, failed: 0 }
/** Said again at the end: an output cut to its last lines still shows them. @type {string[]} */
const failures = []

/** @type {[string, string, string[]][]} */
const checks = [
  ['types', bin('tsc'), ['-b']],
  ['types of the tests', bin('tsc'), ['-p', 'tsconfig.test.json']],
  ['lint', bin('biome'), ['check', ...(ci ? ['--error-on-warnings'] : []), '.']],
]
try {
  for (const [name, program, args] of checks) {
    process.stdout.write(`\n== ${name}\n`)
    const code = await runInherited(program, args, root)
    if (code === 0) counts.passed++
    else {
      counts.failed++
      failures.push(name)
    }
  }
  process.stdout.write('\n== tests\n')
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
  const code = await runInherited(bin('vitest'), ['run', ...reporters, ...process.argv.slice(2)], root)
  const tests = countTests(report, ci)
  counts.passed += tests.passed
  counts.failed += tests.failed
  failures.push(...tests.failures)
  // A fault outside of any test (an unhandled rejection, a suite that cannot start) fails the run too.
  if (code !== 0 && tests.failed === 0) {
    counts.failed++
    failures.push('tests: a fault outside of any test')
  }
  if (tests.skipped > 0) process.stdout.write(`${tests.skipped} skipped${ci ? ', which counts as failed in CI' : ''}\n`)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
for (const failure of failures) process.stdout.write(`failed: ${failure}\n`)
process.stdout.write(`${counts.passed} passed, ${counts.failed} failed\n`)
process.exitCode = counts.failed === 0 ? 0 : 1
