import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { load } from 'js-yaml'
import { expect, test } from 'vitest'
import { endings } from '../harness/at-end.js'
import { makeConsoleStandIn, makeRedpandaStandIn, makeSyscribeImage } from '../harness/cluster-images.js'
import { startDocker } from '../harness/container-engines.js'
import { node, run, startServer } from '../harness/program.js'
import { repository } from '../harness/repository.js'
import { Outputs } from '../harness/syscribe.js'
import { until } from '../harness/until.js'

// infra/compose.yaml as a user brings it up, on a real Docker. An image of Redpanda's name holds Apache Kafka and a registry,
// since Redpanda's own cannot be pulled everywhere.

const file = `${repository}infra/compose.yaml`
const profile = `cluster-${process.pid}`
const atEnd = endings()

const parts = [
  ...['collector', 'http-parser', 'protocol-classifier', 'env-reader', 'container-enricher'],
  ...['http-log', 'env-yaml', 'service-map'],
]

/** Whether a container can be given every capability: whether root here has them (capabilities(7), the bounding set). */
function hasAllRights(): boolean {
  const last = Number(readFileSync('/proc/sys/kernel/cap_last_cap', 'utf8'))
  const bounds = /^CapBnd:\s*(\w+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]
  return BigInt(`0x${bounds}`) === (1n << BigInt(last + 1)) - 1n
}

/**
 * In place of `privileged`, where that would give rights that this machine has not itself. Docker 20.10 knows no CAP_BPF and
 * CAP_PERFMON, which CAP_SYS_ADMIN includes.
 */
const enough = {
  privileged: false,
  cap_add: ['SYS_ADMIN', 'NET_ADMIN', 'DAC_READ_SEARCH', 'SYS_PTRACE'],
  security_opt: ['seccomp:unconfined', 'apparmor:unconfined'],
}

/** What the file calls the images of others when nothing is set. */
function imageOf(service: string): string {
  const { services } = load(readFileSync(file, 'utf8').replaceAll(/^ *<<: .*$/gm, '')) as {
    services: Record<string, { image: string }>
  }
  return (services[service]?.image ?? '').replace(/^\$\{\w+:-(.*)\}$/, '$1')
}

test('each part is a healthy service; what the host’s programs do is in the volume; a part that is killed comes back', {
  timeout: 600_000,
}, async () => {
  const docker = await startDocker()
  atEnd(() => docker.remove())
  makeSyscribeImage(docker, 'syscribe:latest')
  await makeRedpandaStandIn(docker, imageOf('redpanda'))
  makeConsoleStandIn(docker, imageOf('console'))
  const env = {
    DOCKER_HOST: `unix://${docker.socket}`,
    CONTAINERD_SOCKET: docker.socket,
    ADI_PROFILE_ALLOWED: profile,
    SYSCRIBE_HOST: 'watched',
  }
  const folder = mkdtempSync(join(tmpdir(), 'syscribe-cluster-'))
  atEnd(() => rmSync(folder, { recursive: true }))
  const override = join(folder, 'override.yaml')
  // JSON is YAML.
  writeFileSync(override, JSON.stringify({ services: hasAllRights() ? {} : { collector: enough } }))
  const compose = async (...args: string[]) => {
    const files = ['-f', file, '-f', override]
    const { stdout } = await run({ command: 'docker-compose', args: ['-p', 'cluster', ...files, ...args], env })
    return stdout.trim()
  }
  /** What each container said last: for a test that waits in vain. */
  const state = () => {
    const names = docker.cli('ps', '-a', '--format', '{{.Names}}').split('\n')
    const logs = names.map((name) => {
      const { stdout, stderr } = spawnSync('docker', ['logs', '--tail', '20', name], {
        env: { ...process.env, ...env },
      })
      const { Status, Health } = JSON.parse(docker.cli('inspect', name))[0].State
      return `${name}: ${Status} ${JSON.stringify(Health?.Log?.at(-1)?.Output)}\n${stdout}${stderr}`
    })
    return logs.join('\n')
  }
  const containers = new Map<string, string>()
  const inspect = (part: string) => JSON.parse(docker.cli('inspect', containers.get(part) ?? ''))[0]

  await compose('up', '-d').catch((cause) => {
    throw new Error(state(), { cause })
  })
  for (const part of [...parts, 'topics']) containers.set(part, await compose('ps', '-q', part))
  expect(inspect('topics').State).toMatchObject({ Status: 'exited', ExitCode: 0 })
  const healthy = () => parts.every((part) => inspect(part).State.Health.Status === 'healthy')
  await until('every part healthy', healthy, state)

  const { Mountpoint: directory } = JSON.parse(docker.cli('volume', 'inspect', 'cluster_outputs'))[0]
  const outputs = new Outputs(directory)
  const observed = { ADI_PROFILE: profile }
  const server = await startServer((port) => ({
    ...node('server.mjs', `${port}`),
    env: { ...observed, ADI_PROFILE_NAME: 'echo' },
  }))
  atEnd(() => server.stop())
  const requests = 50
  const send = async () => {
    const client = node('client.mjs', `http://127.0.0.1:${server.port}`, `${requests}`)
    const { stdout } = await run({ ...client, env: { ...observed, ADI_PROFILE_NAME: 'caller' } })
    expect(stdout.trim()).toBe(`${requests}`)
  }
  /** Of both ends: each message is a line of the one that sent it and of the one that received it. */
  const messages = () => outputs.lines().filter(({ event_type }) => event_type !== 'connection').length

  await send()
  await until('every message in the file', () => messages() >= 4 * requests, state)
  // Not by Docker, which does not start again what it was asked to kill.
  process.kill(inspect('http-parser').State.Pid, 'SIGKILL')
  await send()
  await until('every message in the file', () => messages() >= 8 * requests, state)
  await compose('stop')
  const ended = Object.fromEntries(parts.map((part) => [part, inspect(part).State.ExitCode]))
  expect(ended).toEqual(Object.fromEntries(parts.map((part) => [part, 0])))

  expect(messages()).toBe(8 * requests)
  const names = new Set(outputs.lines().map(({ source_service }) => source_service))
  expect(names).toEqual(new Set(['caller', 'echo']))
  expect(outputs.documents().map((document) => document.adi_profile_name)).toEqual(
    expect.arrayContaining(['caller', 'echo']),
  )
  const caller = outputs.map().services.find(({ name }) => name === 'caller')
  const count = caller?.endpoints.reduce((sum, endpoint) => sum + Number(endpoint.count), 0)
  expect(count).toBe(2 * requests)
})
