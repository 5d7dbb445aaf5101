import { readFileSync } from 'node:fs'

/**
 * Counts a vitest JSON report.
 * @param {string} file
 * @param {boolean} skippedFails
 */
export function countTests(file, skippedFails) {
  const counts = { passed: 0, failed: 0, skipped: 0 }
  let report
  try {
    report = JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    return { ...counts, failed: 1 }
  }
  for (const suite of report.testResults) {
    for (const test of suite.assertionResults) {
      if (test.status === 'passed') counts.passed++
      else if (test.status === 'failed') counts.failed++
      else counts.skipped++
    }
    // A file that could not be loaded has no tests to fail.
    if (suite.status === 'failed' && suite.assertionResults.length === 0) counts.failed++
  }
  if (skippedFails) counts.failed += counts.skipped
  return counts
}
