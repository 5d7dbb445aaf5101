import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseConfig, settings } from '@syscribe/runtime'
import type { Command } from 'commander'
import { load } from 'js-yaml'
import { describe, expect, it } from 'vitest'
import { createProgram } from '../../../cli/src/program.js'
import { processorsNamed, projectionsNamed } from '../../../cli/src/run/named-parts.js'
import { processors, projectionNames } from '../../../cli/src/run/parts.js'

interface Service {
  image: string
  command: string[]
  environment?: Record<string, string>
  build?: { context: string; dockerfile: string }
  user?: string
  privileged?: boolean
  pid?: string
  network_mode?: string
  volumes?: string[]
  depends_on?: Record<string, { condition: string }>
}

// Merge keys (<<) are of YAML 1.1, which compose reads and js-yaml's default schema does not.
const file = readFileSync(new URL('../../compose.yaml', import.meta.url), 'utf8')
const compose = merged(load(file)) as { services: Record<string, Service>; volumes: Record<string, null> }
const all = Object.entries(compose.services)
const parts = all.filter(([, { build }]) => build !== undefined)
const others = all.filter(([, { build }]) => build === undefined).map(([name]) => name)

function merged(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(merged)
  if (typeof node !== 'object' || node === null) return node
  const { '<<': base, ...own } = node as Record<string, unknown>
  return Object.fromEntries(Object.entries({ ...(base as object), ...own }).map(([key, value]) => [key, merged(value)]))
}

/** What a value is when nothing is set where compose runs; every variable in it has such a default. */
function standard(value: string): string {
  const text = value.replaceAll(/\$\{\w+:-([^}]*)\}/g, '$1')
  expect(text).not.toContain('$')
  return text
}

const environment = (service: Service) =>
  Object.fromEntries(Object.entries(service.environment ?? {}).map(([name, value]) => [name, standard(value)]))

/** The verb a command line calls, after commander has accepted all of it. */
function parsed(args: readonly string[]): { verb: Command; given: string[] } {
  const nowhere = { write: async () => {}, isTerminal: false, columns: 80 }
  const surroundings = { env: {}, stdout: nowhere, stderr: nowhere, stopSignal: () => new AbortController().signal }
  const program = createProgram(surroundings, () => {})
  let called: { verb: Command; given: string[] } | undefined
  const intercept = (command: Command) => {
    for (const inner of command.commands) intercept(inner)
    if (command.commands.length === 0) {
      command.action(() => {
        called = { verb: command, given: command.args }
      })
    }
  }
  intercept(program)
  program.parse([...args], { from: 'user' })
  if (called === undefined) throw new Error(`${args.join(' ')} calls nothing`)
  return called
}

it('is taken by compose, with nothing set and with something', () => {
  const services = (env: Record<string, string>) => {
    const args = ['-f', fileURLToPath(new URL('../../compose.yaml', import.meta.url)), 'config']
    const text = execFileSync('docker-compose', args, {
      encoding: 'utf8',
      env: { PATH: process.env.PATH ?? '', ...env },
    })
    return (load(text) as typeof compose).services
  }
  expect(Object.keys(services({})).sort()).toEqual(all.map(([name]) => name).sort())
  const set = services({ KAFKA_BROKERS: 'broker:9092', CONTAINERD_SOCKET: '/run/containerd/containerd.sock' })
  expect(set.collector?.environment).toMatchObject({ KAFKA_BROKERS: 'broker:9092', SYSCRIBE_HOST: '' })
  expect(set.collector?.volumes).toContain('/run/containerd/containerd.sock:/run/containerd/containerd.sock:rw')
})

it('has every part as a service of its own', () => {
  const names = parts.map(([name]) => name)
  expect(names).toEqual(['topics', 'collector', ...processors.map(({ name }) => name), ...projectionNames])
  expect(others).toEqual(['redpanda', 'console'])
  for (const name of processors.map((processor) => processor.name)) {
    expect(compose.services[name]?.command).toEqual(['process', name])
  }
  for (const name of projectionNames) expect(compose.services[name]?.command).toEqual(['project', name])
})

describe.each(parts)('%s', (name, service) => {
  it('calls a verb that takes what it is given', async () => {
    const { verb, given } = parsed(service.command)
    const config = parseConfig({ env: environment(service) })
    if (verb.name() === 'process') expect(processorsNamed(given)).toHaveLength(1)
    if (verb.name() === 'project') expect((await projectionsNamed(given, undefined, config)).tasks).toHaveLength(1)
  })

  it('is given settings that there are, each by the variable of its name', () => {
    const variables = Object.values(settings).map(({ variable }) => variable)
    for (const [variable, value] of Object.entries(service.environment ?? {})) {
      expect(variables).toContain(variable)
      expect(value).toMatch(new RegExp(`^\\$\\{${variable}:-[^}]*\\}$`))
    }
  })

  it('is given every setting of its verb, but those of TLS and of passwords, which redpanda here has not', () => {
    const flags = parsed(service.command).verb.options.map(({ long }) => long)
    const elsewhere = /^(KAFKA_(TLS|SASL)|SCHEMA_REGISTRY_(USER|PASS)|SYSCRIBE_(METRICS_PORT|DATA_DIR|GROUP)$)/
    // Of a projection each, perhaps of one's own.
    const outputs = [
      ...['OUTPUT_PATH', 'ENV_OUTPUT_PATH', 'SERVICE_MAP_PATH'],
      ...['SYSCRIBE_RAW_PAYLOAD', 'SYSCRIBE_PROJECTIONS'],
    ]
    const wanted = Object.values(settings)
      .filter(({ flag }) => flag !== null && flags.includes(flag))
      .map(({ variable }) => variable)
      .filter((variable) => !elsewhere.test(variable) && !outputs.includes(variable))
    expect(Object.keys(service.environment ?? {})).toEqual(expect.arrayContaining(wanted))
  })

  it('runs the image as nobody of note, unless it captures', () => {
    const captures = name === 'collector'
    expect({ root: service.user === 'root', privileged: service.privileged === true, pid: service.pid }).toEqual({
      root: captures,
      privileged: captures,
      pid: captures ? 'host' : undefined,
    })
    expect(service.build).toEqual({ context: '..', dockerfile: 'infra/Dockerfile' })
  })

  it('starts when what it needs is there, and keeps what must be kept', () => {
    const needs = name === 'topics' ? { redpanda: 'service_healthy' } : { topics: 'service_completed_successfully' }
    expect(service.depends_on).toEqual({ [Object.keys(needs)[0] as string]: { condition: Object.values(needs)[0] } })
    const named = (service.volumes ?? []).filter((volume) => /^[a-z]/.test(volume)).map((volume) => volume.split(':'))
    for (const [volume] of named) expect(Object.keys(compose.volumes)).toContain(volume)
    if (projectionNames.includes(name)) expect(named).toEqual([['outputs', '/var/log/syscribe']])
    if (name === 'collector') expect(named).toEqual([['spool', '/var/lib/syscribe']])
  })
})

it('each projection writes a file of its own in the volume', () => {
  const written = projectionNames.map((name) => {
    const service = compose.services[name] as Service
    const paths = Object.entries(environment(service)).filter(([variable]) => /OUTPUT_PATH|MAP_PATH/.test(variable))
    expect(paths).toHaveLength(1)
    return paths[0]?.[1]
  })
  expect(new Set(written).size).toBe(projectionNames.length)
  for (const path of written) expect(path).toMatch(/^\/var\/log\/syscribe\/[^/]+$/)
})

it('the parts reach the broker inside its network, the collector from outside', () => {
  const redpanda = compose.services.redpanda?.command.join(' ') ?? ''
  for (const [name, service] of parts) {
    const { KAFKA_BROKERS: broker, SCHEMA_REGISTRY_URL: registry } = environment(service)
    const outside = service.network_mode === 'host'
    expect(outside).toBe(name === 'collector')
    expect(broker).toBe(outside ? '127.0.0.1:19092' : 'redpanda:9092')
    expect(registry).toBe(outside ? 'http://127.0.0.1:18081' : 'http://redpanda:8081')
    expect(redpanda).toContain(`--advertise-kafka-addr=inside://redpanda:9092,outside://127.0.0.1:19092`)
  }
})
