import { setTimeout as sleep } from 'node:timers/promises'
import { connect } from '@nats-io/transport-node'
import fastify from 'fastify'
import { required } from './environment.js'
import { onStop } from './on-stop.js'

// An HTTP service of four endpoints that tells the message bus of every request it answered.
const nats = await connect({
  servers: required('NATS_URL'),
  name: 'http-service',
  waitOnFirstConnect: true,
  maxReconnectAttempts: -1,
})
// What it is asked while it stops is answered too: its clients count every answer.
const app = fastify({ logger: false, return503OnClosing: false })

app.addHook('onResponse', async (request, reply) => {
  const seen = { method: request.method, path: request.url, status: reply.statusCode }
  nats.publish('requests', JSON.stringify(seen))
})

app.get('/', async () => ({ service: 'http-service', endpoints: ['/', '/healthz', '/echo', '/slow'] }))
app.get('/healthz', async () => ({ status: 'ok' }))
app.post('/echo', async (request) => ({ echo: request.body }))
app.get('/slow', async () => {
  await sleep(150)
  return { waited_ms: 150 }
})

await app.listen({ host: required('HTTP_HOST'), port: Number(required('HTTP_PORT')) })
onStop(async () => {
  await app.close()
  await nats.drain()
})
process.stdout.write('ready\n')
