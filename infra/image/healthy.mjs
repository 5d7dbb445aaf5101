// The image's health check: 0 when /healthz of this container's part says that it is ready.
const [, host = '127.0.0.1', port] = /^(?:(.+):)?(\d+)$/.exec(process.env.SYSCRIBE_METRICS_PORT ?? '') ?? []
const any = { '0.0.0.0': '127.0.0.1', '[::]': '[::1]' }
try {
  const answer = await fetch(`http://${any[host] ?? host}:${port}/healthz`, { signal: AbortSignal.timeout(4000) })
  process.stdout.write(await answer.text())
  process.exitCode = answer.ok ? 0 : 1
} catch (error) {
  process.stdout.write(`nobody answers on ${host}:${port}: ${error.cause?.message ?? error.message}\n`)
  process.exitCode = 1
}
