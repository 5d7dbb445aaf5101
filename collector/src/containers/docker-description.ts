import type { ContainerNetwork, PublishedPort } from '@syscribe/schemas'
import { z } from 'zod'
import type { ContainerFacts } from './container-runtime.js'

const text = z.string().nullish()

/** The fields used of `GET /containers/{id}/json` (Docker Engine API, ContainerInspect); Podman's compatible answer too. */
const description = z.object({
  Id: z.string().min(1),
  Name: text,
  Config: z.object({ Image: text, Labels: z.record(z.string(), z.string()).nullish() }).nullish(),
  State: z.object({ Running: z.boolean().nullish(), Pid: z.number().nullish(), StartedAt: text, FinishedAt: text }),
  HostConfig: z.object({ NetworkMode: text }).nullish(),
  NetworkSettings: z
    .object({
      Ports: z.record(z.string(), z.array(z.object({ HostIp: text, HostPort: text })).nullish()).nullish(),
      Networks: z
        .record(
          z.string(),
          z.object({
            NetworkID: text,
            IPAddress: text,
            GlobalIPv6Address: text,
            Gateway: text,
            IPv6Gateway: text,
          }),
        )
        .nullish(),
    })
    .nullish(),
})

/** @throws ZodError when the answer has another shape */
export function dockerFacts(answer: unknown): ContainerFacts {
  const { Id: id, Name, Config, State, HostConfig, NetworkSettings } = description.parse(answer)
  const pid = State.Pid ?? 0
  // While it waits to be restarted it counts as running and has no process.
  const running = State.Running === true && pid > 0
  const mode = HostConfig?.NetworkMode ?? ''
  return {
    id,
    name: (Name ?? '').replace(/^\//, '') || id,
    image: Config?.Image ?? '',
    labels: Config?.Labels ?? {},
    running,
    pid: running ? pid : 0,
    startedAt: microsecondsOf(State.StartedAt),
    finishedAt: running ? null : microsecondsOf(State.FinishedAt),
    hostNetwork: mode === 'host',
    networkOf: /^container:(.+)$/.exec(mode)?.[1] ?? null,
    networks: running ? networks(NetworkSettings?.Networks ?? {}) : [],
    ports: ports(NetworkSettings?.Ports ?? {}),
    cgroup: '',
  }
}

type Networks = NonNullable<NonNullable<z.infer<typeof description>['NetworkSettings']>['Networks']>
type Ports = NonNullable<NonNullable<z.infer<typeof description>['NetworkSettings']>['Ports']>

function networks(described: Networks): ContainerNetwork[] {
  return Object.entries(described)
    .map(([name, network]) => ({
      name: network.NetworkID || name,
      addresses: present(network.IPAddress, network.GlobalIPv6Address),
      gateways: present(network.Gateway, network.IPv6Gateway),
    }))
    .filter(({ addresses }) => addresses.length > 0)
}

function present(...values: (string | null | undefined)[]): string[] {
  return values.filter((value) => value !== null && value !== undefined && value !== '') as string[]
}

function ports(described: Ports): PublishedPort[] {
  return Object.entries(described).flatMap(([name, bindings]) => {
    const [, containerPort, transport] = /^(\d+)\/(tcp|udp)$/.exec(name) ?? []
    if (containerPort === undefined) return []
    return (bindings ?? []).flatMap(({ HostIp, HostPort }) => {
      const hostPort = Number(HostPort)
      if (!Number.isInteger(hostPort) || hostPort <= 0) return []
      return [
        {
          hostAddress: HostIp || '0.0.0.0',
          hostPort,
          containerPort: Number(containerPort),
          transport: transport as 'tcp' | 'udp',
        },
      ]
    })
  })
}

/** From RFC 3339 with up to nine decimals; null for Go's zero time (year 1), which stands for never. */
export function microsecondsOf(time: string | null | undefined): number | null {
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/.exec(time ?? '')
  if (match === null || match[1]?.startsWith('0001') === true) return null
  const seconds = Date.parse(`${match[1]}${match[3]}`)
  if (Number.isNaN(seconds)) return null
  return seconds * 1000 + Number((match[2] ?? '').padEnd(6, '0').slice(0, 6))
}
