import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Config, metricsText, metricsTextType, settings } from '@syscribe/runtime'
import { CliError } from '../cli-error.js'
import { type MetricsSource, textOfAll } from './metrics-source.js'
import { processMetrics } from './process-metrics.js'

/** How this process is doing, for /healthz. */
export interface Health {
  ready: boolean
  /** What it is doing, or why it is not ready. */
  detail: string
}

export interface MetricsServer {
  /** Where it listens; null when it does not. */
  readonly address: string | null
  close(): Promise<void>
}

/**
 * Serves `/metrics` and `/healthz` (200 when ready, else 503) where the configuration says; nothing when it says nothing.
 * @throws CliError `usage` when it cannot listen there
 */
export async function serveMetrics(
  { metricsPort }: Pick<Config, 'metricsPort'>,
  sources: readonly MetricsSource[],
  health: () => Health,
): Promise<MetricsServer> {
  if (metricsPort === null) return { address: null, close: async () => {} }
  const server = createServer(async (request, response) => {
    const path = request.url?.split('?')[0]
    if (request.method !== 'GET' && request.method !== 'HEAD') response.writeHead(405).end()
    else if (path === '/healthz') {
      const { ready, detail } = health()
      response.writeHead(ready ? 200 : 503, { 'Content-Type': 'application/json' })
      response.end(`${JSON.stringify({ ready, detail })}\n`)
    } else if (path === '/metrics') {
      const text = metricsText(processMetrics()) + (await textOfAll(sources))
      response.writeHead(200, { 'Content-Type': metricsTextType }).end(text)
    } else response.writeHead(404).end()
  })
  const { host, port } = metricsPort
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => {
      const name = `${settings.metricsPort.variable}=${host}:${port}`
      reject(new CliError('usage', `${name}: cannot listen there: ${cause.message}`, { cause }))
    })
    server.listen(port, host, resolve)
  })
  // Whoever still asks must not keep the process from ending.
  server.unref()
  const { port: bound } = server.address() as AddressInfo
  return {
    address: `${host.includes(':') ? `[${host}]` : host}:${bound}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
