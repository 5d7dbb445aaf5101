import type { Container, ContainerNetwork, PublishedPort } from '@syscribe/schemas'
import type { Given } from '../../../runtime/test/run-processor.js'
import { container, containerHost, containerId, process } from './observed.js'

/**
 * A Compose project as Docker shows it: `web` and `api` are profiled, `db` and `cache` are not. Networks `front` and
 * `back`; `web` has published its port 80 as 8080 of all addresses, `db` its own on loopback only; `cache` is on the
 * host's network.
 */
export const hostNetns = 4_026_531_840
export const netns = { web: 4_026_532_301, api: 4_026_532_302, db: 4_026_532_303 }
const ids = { front: 'f1'.repeat(32), back: 'ba'.repeat(32) }

const on = (name: keyof typeof ids, address: string, six: string): ContainerNetwork => ({
  name: ids[name],
  addresses: [address, six],
  gateways: name === 'front' ? ['172.18.0.1', 'fd00:f::1'] : ['172.19.0.1', 'fd00:b::1'],
})
export const port = (hostAddress: string, hostPort: number, containerPort: number): PublishedPort => ({
  hostAddress,
  hostPort,
  containerPort,
  transport: 'tcp',
})

export const composeContainer = (at: number, service: string, change: Partial<Container>): Given =>
  container(at, `shop-${service}-1`, {
    service,
    image: `shop/${service}:2`,
    labels: { 'com.docker.compose.project': 'shop', 'com.docker.compose.service': service },
    cgroup: `/system.slice/docker-${containerId(`shop-${service}-1`)}.scope`,
    addresses: change.networks?.flatMap(({ addresses }) => addresses) ?? [],
    ...change,
  })

export const host = containerHost(0, {
  netns: hostNetns,
  addresses: ['192.168.1.5', '2001:db8:5::5', '172.17.0.1', '172.18.0.1', '172.19.0.1', 'fd00:f::1', 'fd00:b::1'],
})
export const web = (at = 0): Given =>
  composeContainer(at, 'web', {
    netns: netns.web,
    networks: [on('front', '172.18.0.2', 'fd00:f::2'), on('back', '172.19.0.2', 'fd00:b::2')],
    ports: [port('0.0.0.0', 8080, 80), port('::', 8080, 80)],
  })
export const api = (at = 0): Given =>
  composeContainer(at, 'api', { netns: netns.api, networks: [on('back', '172.19.0.3', 'fd00:b::3')] })
export const db = (at = 0): Given =>
  composeContainer(at, 'db', {
    netns: netns.db,
    networks: [on('back', '172.19.0.4', 'fd00:b::4')],
    ports: [port('127.0.0.1', 5432, 5432)],
  })
export const cache = (at = 0): Given =>
  composeContainer(at, 'cache', { netns: hostNetns, hostNetwork: true, ports: [port('0.0.0.0', 6379, 6379)] })

/** The containers before anything else of the host, as the collector lists them. */
export const project: Given[] = [host, web(), api(), db(), cache()]

/** A process of a service: `docker exec`, or the container's own. */
export const within = (at: number, pid: number, service: string, args: string): Given =>
  process(at, pid, {
    args,
    cgroup: `/system.slice/docker-${containerId(`shop-${service}-1`)}.scope`,
    profileName: `profile of ${pid}`,
  })
export const webProcess = within(1, 1, 'web', 'nginx: worker process')
export const apiProcess = within(1, 2, 'api', 'node api.js')
/** A plain process of the host. */
export const hostProcess = process(1, 9, { args: 'curl', cgroup: '/user.slice/user-0.slice/session-1.scope' })
