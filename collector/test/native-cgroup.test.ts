import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { containerIdsOfCgroup } from '@syscribe/schemas'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { ProcessSeenEvent } from '../src/native.js'
import { tellingCgroup } from '../src/proc-process.js'
import { buildNative, CaptureSession } from './native/capture-session.js'

buildNative()

const id = 'c0de'.repeat(16)
const own = `syscribe-test-${process.pid}`
const pod = 'kubelet-kubepods-burstable-pod2c48913c_b29f_11e7_9350_020968147796.slice'

/** Where the hierarchies that this kernel has mounted are: that of v2, and those of v1 with a controller. */
const hierarchies = readFileSync('/proc/mounts', 'utf8')
  .split('\n')
  .map((line) => line.split(' '))
  .filter(
    ([, , type, options]) => type === 'cgroup2' || (type === 'cgroup' && /(^|,)(pids|memory)(,|$)/.test(options ?? '')),
  )
  .map(([, mount, type]) => ({ mount: mount as string, v2: type === 'cgroup2' }))
const v2 = hierarchies.find((hierarchy) => hierarchy.v2)
const v1 = hierarchies.filter((hierarchy) => !hierarchy.v2)
/** Runtimes put a container into every hierarchy of v1, or into that of v2. */
const versions = [
  { version: 'v1', mounts: v1.map(({ mount }) => mount) },
  { version: 'v2', mounts: v2 === undefined ? [] : [v2.mount] },
].filter(({ mounts }) => mounts.length > 0)

let session: CaptureSession
beforeAll(() => {
  session = new CaptureSession()
})
afterAll(() => session.close())

const made: string[] = []
afterEach(() => {
  for (const folder of made.splice(0).reverse()) if (existsSync(folder)) rmdirSync(folder)
})

function group(mount: string, path: string): string {
  const folder = join(mount, path)
  const missing: string[] = []
  for (let at = folder; !existsSync(at); at = dirname(at)) missing.unshift(at)
  for (const one of missing) {
    mkdirSync(one)
    made.push(one)
  }
  return join(folder, 'cgroup.procs')
}

/** Executes a program that ends at once in these groups; returns what was told of it. */
async function seenIn(groups: readonly string[], before: readonly string[] = []): Promise<ProcessSeenEvent> {
  const name = `${own}-${session.processes.length}`
  const enter = groups.map((procs) => `echo $$ > ${procs}`).join(' && ')
  const words = [...before, 'env', '-i', 'ADI_PROFILE=cgroup', `ADI_PROFILE_NAME=${name}`, '/bin/true']
  execFileSync('sh', ['-c', `${enter || 'true'} && exec "$@"`, 'sh', ...words])
  await session.flush()
  const found = session.processes.find((event) => event.kind === 'seen' && event.profileName === name)
  return found as ProcessSeenEvent
}

const telling = (event: ProcessSeenEvent) => tellingCgroup(event.cgroup ?? '', [event.controllerCgroup ?? ''])

describe.each([
  { path: `/${own}/docker/${id}`, kind: 'cgroupfs' },
  { path: `/${own}/docker-${id}.scope`, kind: 'systemd' },
  { path: `/${own}/a/b/c/d/e/f/g/${id}`, kind: 'deep' },
  { path: `/${own}/${pod}:cri-containerd:${id}`, kind: 'long' },
])('a process that lives for a moment in a container, $kind', ({ path }) => {
  it.each(versions)('of cgroup $version', async ({ mounts }) => {
    const event = await seenIn(mounts.map((mount) => group(mount, path)))
    expect(containerIdsOfCgroup(telling(event))).toEqual([id])
  })

  it.each(versions)('of cgroup $version, in a cgroup namespace', async ({ mounts }) => {
    const groups = mounts.map((mount) => group(mount, path))
    const event = await seenIn(groups, ['unshare', '--cgroup'])
    expect(containerIdsOfCgroup(telling(event))).toEqual([id])
  })
})

it('a container in every hierarchy has its whole path', async () => {
  const path = `/${own}/${id}`
  expect(telling(await seenIn(hierarchies.map(({ mount }) => group(mount, path))))).toBe(path)
})

it('a container in the hierarchies of v1 is not hidden by the service in that of v2', async () => {
  const service = v2 === undefined ? [] : [group(v2.mount, `/${own}/containerd.service`)]
  const event = await seenIn([...service, ...v1.map(({ mount }) => group(mount, `/${own}/${id}`))])
  if (service.length > 0) expect(event.cgroup).toBe(`/${own}/containerd.service`)
  expect(telling(event)).toBe(v1.length > 0 ? `/${own}/${id}` : `/${own}/containerd.service`)
})

it('the deepest of the hierarchies of v1 is told', async () => {
  // Deeper than where the test itself may be.
  const groups = v1.map(({ mount }, index) => group(mount, `/${own}${'/deeper'.repeat(index + 2)}`))
  const event = await seenIn(groups)
  expect(event.controllerCgroup).toBe(v1.length > 0 ? `/${own}${'/deeper'.repeat(v1.length + 1)}` : '/')
})
