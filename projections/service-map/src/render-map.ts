import type { Endpoint, Service, ServiceConnection, ServiceMap } from './map-types.js'
import { columns, fit, printable } from './terminal-text.js'

export interface RenderOptions {
  /** Columns of the terminal. Default 80. */
  width?: number
  /** Paths shown of one destination; the rest are counted. Default 12. */
  paths?: number
}

/**
 * A picture of the map for a terminal: each service in a box, below it what it calls. Plain text, lines ended by a
 * newline, none wider than the terminal. Names and paths are what the network said: what a terminal would obey is not
 * printed.
 */
export function renderMap(map: ServiceMap, options: RenderOptions = {}): string {
  const width = Math.max(20, options.width ?? 80)
  if (map.services.length === 0) return `${fit('No service was seen calling another.', width)}\n`
  const pictures = map.services.map((service) => serviceLines(service, width, options.paths ?? 12))
  return `${pictures.map((lines) => lines.map((line) => fit(line, width).trimEnd()).join('\n')).join('\n\n')}\n`
}

/** What leads to one destination: its heading and the lines below it. */
interface Edge {
  name: string
  what: string
  below: string[]
}

function serviceLines(service: Service, width: number, paths: number): string[] {
  const title = fit(printable(service.name) + share(service.completeness), width - 4)
  const rule = '─'.repeat(columns(title) + 2)
  const edges = [...httpEdges(service.endpoints, width, paths), ...connectionEdges(service.connections)]
  const widest = Math.min(Math.max(0, ...edges.map((edge) => columns(edge.name))), Math.floor(width / 2))
  const lines = [`┌${rule}┐`, `│ ${title} │`, edges.length === 0 ? `└${rule}┘` : `└─┬${rule.slice(2)}┘`]
  for (const [index, edge] of edges.entries()) {
    const final = index === edges.length - 1
    const name = fit(edge.name, widest)
    lines.push(`  ${final ? '└' : '├'}──▶ ${name}${' '.repeat(widest - columns(name))}  ${edge.what}`)
    for (const line of edge.below) lines.push(`  ${final ? ' ' : '│'}      ${line}`)
  }
  return lines
}

function httpEdges(endpoints: Endpoint[], width: number, paths: number): Edge[] {
  return grouped(endpoints, (endpoint) => endpoint.destination).map(([name, all]) => {
    // Variants of the schemas are one line: the picture is of who calls what.
    const calls = grouped(all, ({ method, path }) => `${method} ${path}`).map(([, variants]) => {
      const { method, path } = variants[0] as Endpoint
      return { method: printable(method), path: printable(path), ...totals(variants) }
    })
    const { count } = totals(all)
    const shown = calls.toSorted((one, other) => other.count - one.count).slice(0, paths)
    const inOrder = calls.filter((call) => shown.includes(call))
    const methodWidth = Math.max(...inOrder.map((call) => columns(call.method)))
    const counts = inOrder.map(
      (call) => `${call.count}×${call.unanswered > 0 ? ` (${call.unanswered} unanswered)` : ''}`,
    )
    const room = width - 9 - methodWidth - 3 - Math.max(...counts.map(columns))
    const pathWidth = Math.max(4, Math.min(room, Math.max(...inOrder.map((call) => columns(call.path)))))
    const below = inOrder.map(({ method, path }, index) => {
      const fitted = fit(path, pathWidth)
      const gap = ' '.repeat(pathWidth - columns(fitted))
      return `${method}${' '.repeat(methodWidth - columns(method))} ${fitted}${gap}  ${counts[index]}`
    })
    if (calls.length > inOrder.length) below.push(`… and ${calls.length - inOrder.length} more`)
    return { name: printable(name), what: `HTTP, ${times(calls.length, 'endpoint')}, ${times(count, 'call')}`, below }
  })
}

function connectionEdges(connections: ServiceConnection[]): Edge[] {
  return connections.map(({ destination, port, protocol, category, count }) => ({
    name: `${printable(destination)}:${port}`,
    what: `${printable(protocol)} (${printable(category)}), ${times(count, 'connection')}`,
    below: [],
  }))
}

function totals(endpoints: Endpoint[]): { count: number; unanswered: number } {
  let count = 0
  let unanswered = 0
  for (const endpoint of endpoints) {
    count += endpoint.count
    unanswered += endpoint.unanswered ?? 0
  }
  return { count, unanswered }
}

function times(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}

/** Said only when something is missing. */
function share(completeness: number): string {
  return completeness < 1 ? `  ${(Math.floor(completeness * 1000) / 10).toFixed(1)} % captured` : ''
}

function grouped<T>(items: T[], keyOf: (item: T) => string): [string, T[]][] {
  const groups = new Map<string, T[]>()
  for (const item of items) {
    const key = keyOf(item)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [item])
    else group.push(item)
  }
  return [...groups]
}
