import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'

/** Who observes: stated in every record. */
export interface HostIdentity {
  /** SYSCRIBE_HOST, default the host name. */
  host: string
  /** 16 bytes of /proc/sys/kernel/random/boot_id. */
  boot: Buffer
}

export function hostIdentity(name: string | null): HostIdentity {
  const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()
  return { host: name ?? hostname(), boot: Buffer.from(bootId.replaceAll('-', ''), 'hex') }
}
