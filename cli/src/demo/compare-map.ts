import { type ExpectedEdge, expectedEdges } from '@syscribe/demo'

/** The part of a service map that says who calls whom. */
export interface ServiceMapEdges {
  services: {
    name: string
    endpoints?: { destination: string; method: string; path: string; count: number }[]
    connections?: { destination: string; protocol: string; count: number }[]
  }[]
}

export interface MapComparison {
  missing: string[]
  unexpected: string[]
}

/** Compares what the demo's services call with what they are known to call. Other services of the host are left out. */
export function compareMap(map: ServiceMapEdges, expected: readonly ExpectedEdge[] = expectedEdges): MapComparison {
  const wanted = new Set(expected.map(edgeText))
  const sources = new Set(expected.map(({ source }) => source))
  const found = new Set(
    edgesOf(map)
      .filter(({ source }) => sources.has(source))
      .map(edgeText),
  )
  return {
    missing: [...wanted].filter((edge) => !found.has(edge)),
    unexpected: [...found].filter((edge) => !wanted.has(edge)),
  }
}

function edgesOf(map: ServiceMapEdges): ExpectedEdge[] {
  return map.services.flatMap(({ name: source, endpoints = [], connections = [] }) => [
    ...endpoints.map(({ destination, method, path }) => ({ source, destination, method, path })),
    ...connections.map(({ destination, protocol }) => ({ source, destination, protocol })),
  ])
}

function edgeText(edge: ExpectedEdge): string {
  const what = 'protocol' in edge ? edge.protocol : `${edge.method} ${edge.path}`
  return `${edge.source} -> ${edge.destination} (${what})`
}

/**
 * Compares how often each endpoint was called, as the caller counted, with the map.
 * @param calls by `METHOD /path`
 * @returns a sentence for each difference.
 */
export function compareCounts(map: ServiceMapEdges, source: string, calls: Readonly<Record<string, number>>): string[] {
  const endpoints = map.services.find(({ name }) => name === source)?.endpoints ?? []
  return Object.entries(calls).flatMap(([name, sent]) => {
    const counted = endpoints
      .filter(({ method, path }) => `${method} ${path}` === name)
      .reduce((sum, { count }) => sum + count, 0)
    return counted === sent ? [] : [`${name}: ${source} called it ${sent} times, the map says ${counted}`]
  })
}
