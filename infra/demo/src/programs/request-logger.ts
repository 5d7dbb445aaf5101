import { connect } from '@nats-io/transport-node'
import { createClient } from 'redis'
import { required } from './environment.js'
import { onStop } from './on-stop.js'
import { untilItWorks } from './until-it-works.js'

// Keeps the newest requests that the message bus tells of in Redis.
const kept = 1000
const redis = createClient({ url: required('REDIS_URL'), name: 'request-logger' })
redis.on('error', (error: Error) => process.stderr.write(`redis: ${error.message}\n`))
await redis.connect()
const nats = await connect({
  servers: required('NATS_URL'),
  name: 'request-logger',
  waitOnFirstConnect: true,
  maxReconnectAttempts: -1,
})

const stopping = new AbortController()
const requests = nats.subscribe('requests')
const logging = (async () => {
  for await (const message of requests) {
    await untilItWorks('redis', stopping.signal, async () => {
      await redis.lPush('requests', message.string())
      await redis.lTrim('requests', 0, kept - 1)
    })
  }
})()

onStop(async () => {
  stopping.abort()
  await nats.drain()
  await logging
  await redis.close()
})
process.stdout.write('ready\n')
