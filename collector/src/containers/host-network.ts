import { readFileSync, readlinkSync } from 'node:fs'
import { containerIdsOfCgroup } from '@syscribe/schemas'
import { cgroupPath } from '../proc-process.js'
import { networkNamespaceOf } from './network-namespace.js'

/**
 * The network of the host: where published ports are, and what its containers call the host. It is our own network
 * namespace, or that of the host's first process when we are in a container ourselves.
 */
export function hostNetwork(proc = '/proc'): { netns: number; addresses: string[] } {
  const { inode, interfaces } = networkNamespaceOf(inContainer(proc) ? 1 : 'self', proc)
  return { netns: inode, addresses: interfaces.flatMap(({ addresses }) => addresses) }
}

function inContainer(proc: string): boolean {
  try {
    const named = containerIdsOfCgroup(cgroupPath(readFileSync(`${proc}/self/cgroup`, 'utf8'))).length > 0
    return named || readlinkSync(`${proc}/self/ns/cgroup`) !== readlinkSync(`${proc}/1/ns/cgroup`)
  } catch {
    return false
  }
}
