import { sizeText } from '../log/list-topics.js'
import { table } from '../table.js'
import type { HostStatus, PartStanding, SystemStatus } from './system-status.js'

/** A status as tables for people. */
export function statusText({ at, hosts, parts }: SystemStatus): string {
  const partRows = parts.map((part) => [
    part.part,
    part.lag,
    part.recordsPerSecond === null ? '-' : Math.round(part.recordsPerSecond),
    part.delaySeconds === null ? '-' : secondsText(part.delaySeconds),
    part.errors,
    stateText(part),
  ])
  const hostRows = hosts.map((host) => [
    host.host,
    secondsText(Math.max(0, at - host.knownUpTo) / 1000),
    host.spoolBytes === null ? '-' : sizeText(host.spoolBytes),
    lostText(host),
    host.ended ? 'ended' : 'capturing',
  ])
  const partTable = table(['PART', 'LAG', 'RECORDS/S', 'DELAY', 'ERRORS', 'STATE'], partRows)
  if (hosts.length === 0) return `${partTable}\nno host has been heard of in the last hour\n`
  return `${partTable}\n${table(['HOST', 'HEARD', 'SPOOL', 'LOST', 'STATE'], hostRows)}`
}

function stateText({ inputs, lag, recordsPerSecond }: PartStanding): string {
  if (inputs.length === 0) return 'never ran'
  if (lag === 0) return 'caught up'
  if (recordsPerSecond === null) return 'behind'
  return recordsPerSecond > 0 ? 'working' : 'not moving'
}

function lostText({ lost }: HostStatus): string {
  const causes = Object.entries(lost).filter(([, records]) => records > 0)
  return causes.length === 0 ? '0' : causes.map(([cause, records]) => `${records} ${cause}`).join(', ')
}

function secondsText(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(1)} s`
  if (seconds < 600) return `${Math.round(seconds)} s`
  if (seconds < 2 * 86_400) return `${Math.round(seconds / 60)} min`
  return `${Math.round(seconds / 86_400)} d`
}
