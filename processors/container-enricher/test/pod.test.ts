import { expect, test } from 'vitest'
import { isSandbox, podOf, podUid, workloadOf } from '../src/pod.js'

test.each([
  ['reviews-v1-545db77b95-jzdqf', 'reviews-v1'],
  ['web-6b7f9cdd4-x2x4z', 'web'],
  ['postgres-0', 'postgres'],
  ['kafka-broker-12', 'kafka-broker'],
  ['fluentd-8xk2p', 'fluentd'],
  ['backup-28391520-6rg2b', 'backup'],
  ['migrate-tcv9d', 'migrate'],
  ['alone', 'alone'],
  ['my-shell', 'my-shell'],
  ['etcd-node-aeiou', 'etcd-node-aeiou'],
  ['-0', '-0'],
])('%s is one of %s', (pod, workload) => {
  expect(workloadOf(pod)).toBe(workload)
})

const labels = {
  'io.kubernetes.pod.name': 'reviews-v1-545db77b95-jzdqf',
  'io.kubernetes.pod.namespace': 'shop',
  'io.kubernetes.pod.uid': '2c48913c',
  'io.kubernetes.container.name': 'reviews',
}

test('the labels of the CRI name the pod', () => {
  expect(podOf(labels)).toEqual({ namespace: 'shop', name: 'reviews-v1-545db77b95-jzdqf', workload: 'reviews-v1' })
  expect(podUid(labels)).toBe('2c48913c')
  expect(podOf({ 'com.docker.compose.service': 'web' })).toBeNull()
  expect(podOf({ 'io.kubernetes.pod.name': '' })).toBeNull()
  expect(podUid({})).toBeNull()
})

test.each([
  [{ 'io.cri-containerd.kind': 'sandbox' }, 'x', true],
  [{ 'io.cri-containerd.kind': 'container' }, 'reviews:2', false],
  [{ 'io.kubernetes.docker.type': 'podsandbox' }, 'x', true],
  [{}, 'registry.k8s.io/pause:3.9', true],
  [{}, 'k8s.gcr.io/pause-amd64:3.1', true],
  [{}, 'localhost/podman-pause:4.3.1-0', true],
  [{}, 'shop/pauses:1', false],
  [{}, 'pause', true],
])('%o of %s is a sandbox: %s', (given, image, expected) => {
  expect(isSandbox(given as Record<string, string>, image)).toBe(expected)
})
