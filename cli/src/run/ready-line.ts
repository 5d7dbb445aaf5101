import type { Config } from '@syscribe/runtime'
import type { MetricsServer } from '../metrics/serve-metrics.js'

/**
 * The line scripts wait for: capture is on, and of whom.
 * @param places where what comes of it is, each named
 */
export function readyLine(
  { adiProfileAllowed }: Config,
  { address }: MetricsServer,
  places: readonly string[],
): string {
  const watched = adiProfileAllowed === null ? 'any value' : adiProfileAllowed.join(', ')
  const all = address === null ? places : [...places, `metrics at http://${address}/metrics`]
  return `ready: watching processes with ADI_PROFILE (${watched}); ${all.join(', ')}\n`
}
