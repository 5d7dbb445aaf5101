import { selfCheck } from '@syscribe/collector'
import { CliError } from '../cli-error.js'

/**
 * Makes sure that this kernel, these rights and this build can capture, before anything is written.
 * @throws CliError `fault` with the first thing that is missing and what to do about it.
 */
export function checkCapture(): void {
  const failed = selfCheck().filter((check) => check.ok === false)
  // The check called "capture" sums the others up: one of them says more.
  const first = failed.find((check) => check.name !== 'capture') ?? failed[0]
  if (first === undefined) return
  throw new CliError('fault', `cannot capture: ${first.detail.replace(/\.$/, '')} (syscribe doctor says more)`)
}
