import { describe, expect, test } from 'vitest'
import { cgroupsAround, containerIdsOfCgroup } from '../src/index.js'

const id = '4f797c539e6c745de61a93ca3ff892358ecbcaccd8414d5db545c38428142970'
const inner = '9ec39b91f3d70e1beff50a308f77067065ea6be0d91a3378375056cd4422cf3d'
const pod = '132ff0d72245e6f13a3bbc6cdc5376886897b60ac59eaa8dea1df7ab959cbf1c'
const uid = '2c48913c-b29f-11e7-9350-020968147796'
const slice = 'kubepods-burstable-pod2c48913c_b29f_11e7_9350_020968147796.slice'
const session = '/user.slice/user-1000.slice/user@1000.service'

const vectors: [string, string, string[]][] = [
  ['Docker, cgroupfs', `/docker/${id}`, [id]],
  ['Docker, systemd', `/system.slice/docker-${id}.scope`, [id]],
  ['Docker, systemd, cgroup v1', `/system.slice/docker-${id}.scope`, [id]],
  ['Docker with a cgroup parent', `/batch/night/${id}`, [id]],
  ['Docker with a slice as parent', `/batch.slice/batch-night.slice/docker-${id}.scope`, [id]],
  ['Docker before 1.8', `/${id}`, [id]],
  ['Docker rootless, systemd', `${session}/user.slice/docker-${id}.scope`, [id]],
  ['Docker rootless, cgroupfs', `${session}/app.slice/docker.service/docker/${id}`, [id]],
  ['Docker in a host with a cgroup of its own', `/lxc.payload.vm/docker/${id}`, [id]],
  ['systemd as init of a Docker container', `/docker/${id}/init.scope`, [id]],
  ['a service of systemd in a container', `/system.slice/docker-${id}.scope/system.slice/nginx.service`, [id]],
  ['Docker in Docker', `/docker/${id}/docker/${inner}`, [inner, id]],
  ['Docker in Docker, systemd outside', `/system.slice/docker-${id}.scope/docker/${inner}`, [inner, id]],
  ['seen from another cgroup namespace', `/../${id}`, [id]],
  ['seen from the namespace of a pod', `/../../${slice}/cri-containerd-${id}.scope`, [id]],
  ['a path whose beginning was cut', `docker/${id}/a/b/c/d/e/f/g`, [id]],
  ['Amazon ECS', `/ecs/2b88376d-aef1-4f01-a30e-1ef0c2b85d34/${id}`, [id]],

  ['Podman, systemd', `/machine.slice/libpod-${id}.scope`, [id]],
  ['Podman, systemd, crun', `/machine.slice/libpod-${id}.scope/container`, [id]],
  ['Podman, cgroupfs', `/libpod_parent/libpod-${id}`, [id]],
  ['Podman, a pod, systemd', `/machine.slice/machine-libpod_pod_${pod}.slice/libpod-${id}.scope/container`, [id]],
  ['Podman, a pod, cgroupfs', `/libpod_parent/${pod}/libpod-${id}`, [id, pod]],
  ['Podman rootless', `${session}/user.slice/libpod-${id}.scope/container`, [id]],
  ['Podman rootless, a pod', `${session}/user.slice/user-libpod_pod_${pod}.slice/libpod-${id}.scope`, [id]],
  ['Podman as a service', `/system.slice/web.service/libpod-payload-${id}`, [id]],
  ["Podman's monitor", `/machine.slice/libpod-conmon-${id}.scope`, []],
  ["Podman's monitor, cgroupfs", '/libpod_parent/conmon', []],
  ["Podman's monitor as a service", '/system.slice/web.service/supervisor', []],

  ['nerdctl, systemd', `/system.slice/nerdctl-${id}.scope`, [id]],
  ['nerdctl, cgroupfs', `/default/${id}`, [id]],
  ['nerdctl rootless', `${session}/user.slice/nerdctl-${id}.scope`, [id]],

  ['CRI, containerd, cgroupfs', `/kubepods/burstable/pod${uid}/${id}`, [id]],
  ['CRI, containerd, cgroupfs, guaranteed', `/kubepods/pod${uid}/${id}`, [id]],
  ['CRI, containerd, systemd', `/kubepods.slice/kubepods-burstable.slice/${slice}/cri-containerd-${id}.scope`, [id]],
  ['CRI, containerd told nothing of systemd', `/system.slice/containerd.service/${slice}:cri-containerd:${id}`, [id]],
  ['CRI-O, systemd', `/kubepods.slice/kubepods-burstable.slice/${slice}/crio-${id}.scope`, [id]],
  ['CRI-O, systemd, crun', `/kubepods.slice/kubepods-burstable.slice/${slice}/crio-${id}.scope/container`, [id]],
  ["CRI-O's monitor", `/kubepods.slice/kubepods-burstable.slice/${slice}/crio-conmon-${id}.scope`, []],
  ['Docker as runtime of Kubernetes', `/kubepods.slice/${slice}/docker-${id}.scope`, [id]],
  [
    'kind: a node is a container',
    `/docker/${id}/kubelet.slice/kubelet-kubepods.slice/kubelet-${slice}/cri-containerd-${inner}.scope`,
    [inner, id],
  ],

  ['a service of the host', '/system.slice/nginx.service', []],
  ['a session', '/user.slice/user-0.slice/session-1.scope', []],
  ['the daemon itself', '/system.slice/docker.service', []],
  ['an id too short', `/docker/${id.slice(1)}`, []],
  ['an id too long', `/docker/${id}0`, []],
  ['capitals', `/docker/${id.toUpperCase()}`, []],
  ['a pod without a container', `/kubepods/burstable/pod${uid}`, []],
  ['the root', '/', []],
  ['unknown', '', []],
]

test.each(vectors)('%s', (_, cgroup, ids) => {
  expect(containerIdsOfCgroup(cgroup)).toEqual(ids)
})

describe('cgroups around a process', () => {
  test.each([
    ['/default/web/worker', ['/default/web/worker', '/default/web', '/default']],
    ['/a', ['/a']],
    ['docker/x', ['docker/x', 'docker']],
    ['/', []],
    ['', []],
  ])('%s', (cgroup, around) => {
    expect(cgroupsAround(cgroup)).toEqual(around)
  })
})
