import { readFileSync, statSync } from 'node:fs'
import type { ContainerNetwork } from '@syscribe/schemas'

/** What /proc tells of the network namespace of a process. */
export interface NetworkNamespace {
  /** Inode number, as of namespaces(7); 0 when the process is gone or may not be looked at. */
  inode: number
  interfaces: NetworkInterface[]
}

export interface NetworkInterface {
  name: string
  /** Without loopback and link-local addresses. */
  addresses: string[]
  /** Of its default routes. */
  gateways: string[]
}

/** Reads the network namespace of a process; without interfaces when it is gone. */
export function networkNamespaceOf(pid: number | 'self', proc = '/proc'): NetworkNamespace {
  const inode = netnsInode(pid, proc)
  const read = (file: string) => attempt(() => readFileSync(`${proc}/${pid}/net/${file}`, 'utf8')) ?? ''
  const interfaces = inode === 0 ? [] : interfacesOf(read)
  // The process may have gone, and another have got its pid, in between.
  return inode === netnsInode(pid, proc) ? { inode, interfaces } : { inode: 0, interfaces: [] }
}

/** 0 when the process is gone or may not be looked at. */
export function netnsInode(pid: number | 'self', proc = '/proc'): number {
  return attempt(() => statSync(`${proc}/${pid}/ns/net`).ino) ?? 0
}

/**
 * The networks of a container whose runtime does not tell them, from its network namespace.
 *
 * @param names of its networks, in the order of its interfaces; where they are not known all its interfaces are on `otherwise`
 */
export function describeNetworks(
  pid: number,
  names: readonly string[],
  otherwise: string,
  proc = '/proc',
): { hostNetwork: boolean; networks: ContainerNetwork[] } {
  if (pid <= 0) return { hostNetwork: false, networks: [] }
  const namespace = networkNamespaceOf(pid, proc)
  // The parent is the runtime's own process (shim, monitor), which stays in the namespace of the runtime.
  const parent = parentOf(pid, proc)
  if (namespace.inode !== 0 && parent !== 0 && namespace.inode === netnsInode(parent, proc)) {
    return { hostNetwork: true, networks: [] }
  }
  const networks = namespace.interfaces
    .filter(({ addresses }) => addresses.length > 0)
    .map(({ addresses, gateways }, index) => ({ name: names[index] ?? otherwise, addresses, gateways }))
  return { hostNetwork: false, networks }
}

function parentOf(pid: number, proc: string): number {
  const stat = attempt(() => readFileSync(`${proc}/${pid}/stat`, 'utf8')) ?? ''
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1] ?? 0) || 0
}

/** From the files of /proc/<pid>/net (proc_pid_net(5)); interfaces by name. */
export function interfacesOf(
  read: (file: 'fib_trie' | 'if_inet6' | 'route' | 'ipv6_route') => string,
): NetworkInterface[] {
  const interfaces = new Map<string, NetworkInterface>()
  const at = (name: string): NetworkInterface => {
    let known = interfaces.get(name)
    if (known === undefined) {
      known = { name, addresses: [], gateways: [] }
      interfaces.set(name, known)
    }
    return known
  }
  const routes = ipv4Routes(read('route'))
  for (const address of localIpv4(read('fib_trie'))) {
    const subnet = routes.find(
      ({ mask, destination }) => mask !== 0 && (ipv4Number(address) & mask) >>> 0 === destination,
    )
    at(subnet?.name ?? '').addresses.push(address)
  }
  for (const { name, gateway } of routes) if (gateway !== 0) at(name).gateways.push(ipv4Text(gateway))
  for (const { name, address } of globalIpv6(read('if_inet6'))) at(name).addresses.push(address)
  for (const { name, gateway } of ipv6Gateways(read('ipv6_route'))) at(name).gateways.push(gateway)
  return [...interfaces.values()].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
}

/** The addresses that are the host's own: the leaves of the trie marked `/32 host LOCAL`. */
function localIpv4(trie: string): string[] {
  const found = new Set<string>()
  let leaf = ''
  for (const line of trie.split('\n')) {
    leaf = /^\s*\|--\s+(\d+\.\d+\.\d+\.\d+)/.exec(line)?.[1] ?? leaf
    if (/\/32 host LOCAL/.test(line) && !leaf.startsWith('127.')) found.add(leaf)
  }
  return [...found]
}

interface Route {
  name: string
  destination: number
  gateway: number
  mask: number
}

/** The main table; the numbers in it are in the byte order of the machine, which is little-endian here. */
function ipv4Routes(table: string): Route[] {
  return rows(table)
    .slice(1)
    .flatMap(([name, destination, gateway, , , , , mask]) => {
      if (name === undefined || mask === undefined) return []
      return [{ name, destination: swapped(destination), gateway: swapped(gateway), mask: swapped(mask) }]
    })
    .sort((a, b) => b.mask - a.mask)
}

function swapped(hexadecimal: string | undefined): number {
  return Buffer.from(hexadecimal ?? '', 'hex').length === 4 ? Buffer.from(hexadecimal ?? '', 'hex').readUInt32LE() : 0
}

function ipv4Number(address: string): number {
  return address.split('.').reduce((number, part) => number * 256 + Number(part), 0)
}

function ipv4Text(number: number): string {
  return [24, 16, 8, 0].map((shift) => (number >>> shift) & 255).join('.')
}

/** Address, interface index, prefix length, scope, flags, name; scope 00 is global (unique local ones too). */
function globalIpv6(table: string): { name: string; address: string }[] {
  return rows(table).flatMap(([address, , , scope, , name]) =>
    address !== undefined && scope === '00' && name !== undefined ? [{ name, address: ipv6Text(address) }] : [],
  )
}

/** Destination, length, source, length, next hop, metric, references, use, flags, name. */
function ipv6Gateways(table: string): { name: string; gateway: string }[] {
  return rows(table).flatMap(([destination, length, , , gateway, , , , , name]) => {
    const isDefault = length === '00' && /^0+$/.test(destination ?? '')
    if (!isDefault || gateway === undefined || /^0+$/.test(gateway) || name === undefined) return []
    return [{ name, gateway: ipv6Text(gateway) }]
  })
}

/** RFC 5952 section 4, as the URL parser of the WHATWG serializes it. */
function ipv6Text(hexadecimal: string): string {
  const groups = hexadecimal.match(/.{4}/g) ?? []
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1)
}

function rows(table: string): string[][] {
  return table
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([first]) => first !== '')
}

function attempt<T>(read: () => T): T | null {
  try {
    return read()
  } catch {
    return null
  }
}
