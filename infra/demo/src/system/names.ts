/**
 * The demo's hosts. Each has its own loopback address in the demo's network namespace, so names and ports are the
 * usual ones and meet nothing of the machine's own.
 */
export const hosts = {
  'http-service': '127.0.0.10',
  postgres: '127.0.0.11',
  redis: '127.0.0.12',
  'nats-server': '127.0.0.13',
} as const

export const urls = {
  HTTP_SERVICE_URL: 'http://http-service:8080',
  POSTGRES_URL: 'postgres://demo:demo@postgres:5432/demo',
  REDIS_URL: 'redis://redis:6379',
  NATS_URL: 'nats://nats-server:4222',
} as const

/** The contents of /etc/hosts inside the demo. */
export function hostsFile(): string {
  const entries: [string, string][] = [['localhost', '127.0.0.1'], ...Object.entries(hosts)]
  return entries.map(([name, address]) => `${address}\t${name}\n`).join('')
}
