import type { HostEntry, ProcessSeen } from '@syscribe/schemas'
import { type EnvironmentTarget, environmentTargets } from './environment-targets.js'
import { canonicalAddress } from './ip-address.js'
import { type Place, placeOf } from './place.js'
import { type ProgramName, programName } from './program-name.js'

/** What is remembered of one image of a process: what names it, and what it calls others. */
export interface ProcessImage {
  /** Microseconds since the Unix epoch. */
  time: number
  comm: string
  cmdline: string
  profile: string
  /** ADI_PROFILE_NAME; null when not set or empty. */
  profileName: string | null
  program: ProgramName
  place: Place
  /** Hosts its environment names. The environment itself is not kept. */
  targets: EnvironmentTarget[]
  /** Its /etc/hosts, with canonical addresses. */
  hosts: HostEntry[]
}

export function processImage(seen: ProcessSeen): ProcessImage {
  const text = seen.cmdline.toString('utf8').replace(/\0+$/, '')
  const args = text === '' ? [] : text.split('\0')
  return {
    time: seen.time,
    comm: seen.comm,
    cmdline: args.join(' ').trimEnd(),
    profile: seen.profile,
    profileName: seen.profileName === '' ? null : seen.profileName,
    program: programName(args, seen.comm),
    place: placeOf(seen.cgroup),
    targets: seen.environment === null ? [] : environmentTargets(seen.environment),
    hosts: seen.hosts.flatMap(({ address, names }) => {
      const canonical = canonicalAddress(address)
      return canonical === null ? [] : [{ address: canonical, names: names.map((name) => name.toLowerCase()) }]
    }),
  }
}
