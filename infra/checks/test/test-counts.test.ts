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
  const testResults = suites.map(({ status, tests }) => ({
    status,
    assertionResults: tests.map((test) => ({ status: test })),
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
    expect(countTests(path(), false)).toEqual({ passed: 2, failed: 1, skipped: 2 })
    expect(countTests(path(), true)).toEqual({ passed: 2, failed: 3, skipped: 2 })
  })

  it('counts a file that could not be loaded as failed', () => {
    expect(countTests(report({ status: 'failed', tests: [] }), false)).toEqual({ passed: 0, failed: 1, skipped: 0 })
  })

  it('counts a report that is not there as failed', () => {
    expect(countTests(join(folder, 'none.json'), false)).toEqual({ passed: 0, failed: 1, skipped: 0 })
  })
})
