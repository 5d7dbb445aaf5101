import { expect, test } from 'vitest'
import { containerIdOf } from '../src/cgroup-container.js'

const id = '0123456789abcdef'.repeat(4)
const inner = 'fedcba9876543210'.repeat(4)

test.each([
  [`/docker/${id}`, id],
  [`/system.slice/docker-${id}.scope`, id],
  [`/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-${id}.scope/container`, id],
  [`/machine.slice/libpod-${id}.scope`, id],
  [`/machine.slice/libpod-payload-${id}`, id],
  [`/machine.slice/libpod-conmon-${id}.scope`, null],
  [`/default/${id}`, id],
  [`/system.slice/nerdctl-${id}.scope`, id],
  [`/kubepods/burstable/pod2c48913c-b29f-11e7-9350-020968147796/${id}`, id],
  [`/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod2c48.slice/cri-containerd-${id}.scope`, id],
  [`/kubepods.slice/kubepods-pod2c48.slice/crio-${id}.scope`, id],
  [`/system.slice/containerd.service/kubepods-burstable-pod2c48.slice:cri-containerd:${id}`, id],
  [`/docker/${id}/docker/${inner}`, inner],
  [`/docker/${id}/init.scope`, id],
  ['/system.slice/nginx.service', null],
  ['/user.slice/user-0.slice/session-1.scope', null],
  [`/docker/${id.slice(1)}`, null],
  [`/docker/${id}0`, null],
  ['/', null],
  ['', null],
])('%s', (cgroup, expected) => {
  expect(containerIdOf(cgroup)).toBe(expected)
})
