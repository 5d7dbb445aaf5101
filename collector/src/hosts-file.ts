import type { HostEntry } from '@syscribe/schemas'

const longestFile = 64 * 1024

/**
 * The entries of an /etc/hosts file (hosts(5)). Names of loopback, of IPv6's multicast groups and of the host itself
 * are left out: they name no service.
 */
export function parseHostsFile(text: string, ownName: string): HostEntry[] {
  const entries: HostEntry[] = []
  for (const line of text.slice(0, longestFile).split('\n')) {
    const [address, ...names] = line.replace(/#.*/, '').trim().split(/\s+/)
    if (address === undefined || address === '') continue
    const services = names.filter((name) => name !== ownName && !/^(localhost|ip6-)/.test(name))
    if (services.length > 0) entries.push({ address, names: services })
  }
  return entries
}
