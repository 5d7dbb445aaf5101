/** Who calls whom in the demo. */
export type ExpectedEdge =
  | { source: string; destination: string; method: string; path: string }
  | { source: string; destination: string; protocol: string }

/** All of it: a map that shows less misses something, one that shows more invents. */
export const expectedEdges: readonly ExpectedEdge[] = [
  { source: 'traffic-generator', destination: 'http-service', method: 'GET', path: '/' },
  { source: 'traffic-generator', destination: 'http-service', method: 'GET', path: '/healthz' },
  { source: 'traffic-generator', destination: 'http-service', method: 'POST', path: '/echo' },
  { source: 'traffic-generator', destination: 'http-service', method: 'GET', path: '/slow' },
  { source: 'traffic-generator', destination: 'postgres', protocol: 'postgres' },
  { source: 'traffic-generator', destination: 'redis', protocol: 'redis' },
  { source: 'http-service', destination: 'nats-server', protocol: 'nats' },
  { source: 'request-logger', destination: 'nats-server', protocol: 'nats' },
  { source: 'request-logger', destination: 'redis', protocol: 'redis' },
]
