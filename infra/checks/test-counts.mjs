import { readFileSync } from 'node:fs'
import { relative } from 'node:path'

/**
 * Counts a vitest JSON report.
 * @param {string} file
 * @param {boolean} skippedFails a test that skips is a failure
 * @returns {{ passed: number, failed: number, skipped: number, failures: string[] }} `failures`: a line for each that failed
 */
export function countTests(file, skippedFails) {
  /** @type {string[]} */
  const failures = []
  const counts = { passed: 0, failed: 0, skipped: 0, failures }
  const fail = (/** @type {string} */ what) => {
    counts.failed++
    failures.push(what)
  }
  let report
  try {
    report = JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    fail('tests: no report of them')
    return counts
  }
  for (const suite of report.testResults) {
    const path = relative(process.cwd(), suite.name)
    for (const test of suite.assertionResults) {
      if (test.status === 'passed') counts.passed++
      else if (test.status === 'failed') fail(`${path}: ${test.fullName}`)
      else {
        counts.skipped++
        if (skippedFails) fail(`${path}: ${test.fullName} (skipped)`)
      }
    }
    // A file that could not be loaded has no tests to fail.
    if (suite.status === 'failed' && suite.assertionResults.length === 0) fail(`${path}: could not be loaded`)
  }
  return counts
}
