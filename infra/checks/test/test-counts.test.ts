import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { countTests } from '../test-counts.mjs'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'syscribe-checks-test-'))
})
afterEach(() => {
  rmSync(folder, { recursive: true, force: true })
})

function report(...suites: { status: string; tests: string[] }[]): string {
  const path = join(folder, 'report.json')
  const testResults = suites.map(({ status, tests }, n) => ({
    name: join(process.cwd(), `${n}.test.ts`),
    status,
    assertionResults: tests.map((test) => ({ status: test, fullName: `is ${test}` })),
  }))
  writeFileSync(path, JSON.stringify({ testResults }))
  return path
}

describe('countTests', () => {
  const path = () =>
    report(
      { status: 'passed', tests: ['passed', 'passed', 'skipped', 'todo'] },
      { status: 'failed', tests: ['failed'] },
    )

  it('counts, and fails what is skipped only where asked', () => {
    const failures = ['1.test.ts: is failed']
    expect(countTests(path(), false)).toEqual({ passed: 2, failed: 1, skipped: 2, failures })
    const skipped = ['0.test.ts: is skipped (skipped)', '0.test.ts: is todo (skipped)']
    expect(countTests(path(), true)).toEqual({ passed: 2, failed: 3, skipped: 2, failures: [...skipped, ...failures] })
  })

  it('counts a file that could not be loaded as failed', () => {
    const failures = ['0.test.ts: could not be loaded']
    expect(countTests(report({ status: 'failed', tests: [] }), false)).toEqual({
      passed: 0,
      failed: 1,
      skipped: 0,
      failures,
    })
  })

  it('counts a report that is not there as failed', () => {
    const failures = ['tests: no report of them']
    expect(countTests(join(folder, 'none.json'), false)).toEqual({ passed: 0, failed: 1, skipped: 0, failures })
  })
})
