import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import type { PublishedPort } from '@syscribe/schemas'

/** A process with more open files is not looked through: that would take too long. */
const mostFiles = 4_096
const mostProcesses = 256
/** States of a socket in /proc/net/tcp (net/tcp_states.h): listening; of UDP: open, and not connected. */
const listening = { tcp: '0A', udp: '07' } as const

/**
 * The ports on which a container's processes listen: its first one and what that started. For a container on the host's
 * network these are the ports of the host that lead to it, which its runtime does not know.
 *
 * @returns sorted; null when that cannot be told: the process is gone, or there is too much to look through.
 */
export function listeningPorts(pid: number, proc = '/proc'): PublishedPort[] | null {
  try {
    const open = listeners(pid, proc)
    const own = new Set<string>()
    for (const one of family(pid, proc)) for (const inode of sockets(one, proc)) own.add(inode)
    const texts = new Set(open.filter(({ inode }) => own.has(inode)).map(({ text }) => text))
    return [...texts].sort().map((text) => {
      const [transport, port, address] = text.split(' ') as ['tcp' | 'udp', string, string]
      return { hostAddress: address, hostPort: Number(port), containerPort: Number(port), transport }
    })
  } catch {
    return null
  }
}

/** Every listening socket of a process's network namespace; `text` is transport, port and address. */
function listeners(pid: number, proc: string): { inode: string; text: string }[] {
  return (['tcp', 'udp'] as const).flatMap((transport) =>
    ['', '6'].flatMap((version) => {
      const table = readFileSync(`${proc}/${pid}/net/${transport}${version}`, 'latin1')
      return table.split('\n').flatMap((line) => {
        const [, local, , state, , , , , , inode] = line.trim().split(/\s+/)
        if (state !== listening[transport] || local === undefined || inode === undefined) return []
        const [address, port] = local.split(':') as [string, string]
        return [{ inode, text: `${transport} ${Number.parseInt(port, 16)} ${addressText(address)}` }]
      })
    }),
  )
}

/** Words of 32 bits in the byte order of the machine, which is little-endian here. */
function addressText(hexadecimal: string): string {
  const bytes = Buffer.from(hexadecimal, 'hex')
  bytes.swap32()
  if (bytes.length === 4) return bytes.join('.')
  const groups = bytes.toString('hex').match(/.{4}/g) ?? []
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1)
}

/** The process and its descendants. */
function family(pid: number, proc: string): number[] {
  const found = [pid]
  for (const one of found) {
    for (const thread of readdirSync(`${proc}/${one}/task`)) {
      const children = readFileSync(`${proc}/${one}/task/${thread}/children`, 'latin1').trim()
      if (children !== '') found.push(...children.split(' ').map(Number))
    }
    if (found.length > mostProcesses) throw new Error('too many processes')
  }
  return found
}

function sockets(pid: number, proc: string): string[] {
  const files = readdirSync(`${proc}/${pid}/fd`)
  if (files.length > mostFiles) throw new Error('too many open files')
  return files.flatMap((file) => {
    try {
      return /^socket:\[(\d+)\]$/.exec(readlinkSync(`${proc}/${pid}/fd/${file}`))?.[1] ?? []
    } catch {
      return [] // closed meanwhile
    }
  })
}
