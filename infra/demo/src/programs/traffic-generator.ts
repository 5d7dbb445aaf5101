import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { createClient } from 'redis'
import { required } from './environment.js'
import { onStop } from './on-stop.js'

// Calls the HTTP service, the cache and the database, round after round; says at its end how often it called what.
const service = required('HTTP_SERVICE_URL')
const database = new pg.Pool({ connectionString: required('POSTGRES_URL'), max: 1 })
const cache = createClient({ url: required('REDIS_URL'), name: 'traffic-generator' })
cache.on('error', (error: Error) => process.stderr.write(`redis: ${error.message}\n`))
await cache.connect()
await database.query('CREATE TABLE IF NOT EXISTS visits (id serial PRIMARY KEY, path text NOT NULL)')

const calls: Record<string, number> = {}

async function call(method: string, path: string, body?: object): Promise<void> {
  const init: RequestInit = { method }
  if (body !== undefined) {
    init.headers = { 'content-type': 'application/json' }
    init.body = JSON.stringify(body)
  }
  const response = await fetch(`${service}${path}`, init)
  await response.arrayBuffer()
  if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}`)
  const name = `${method} ${path}`
  calls[name] = (calls[name] ?? 0) + 1
  await cache.incr(`calls:${name}`)
  await database.query('INSERT INTO visits (path) VALUES ($1)', [path])
}

let going = true
const rounds = (async () => {
  for (let round = 1; going; round++) {
    await call('GET', '/')
    await call('GET', '/healthz')
    await call('POST', '/echo', { message: 'hello', round })
    await call('GET', '/slow')
    await database.query('SELECT count(*) FROM visits')
    await sleep(100)
  }
})()
rounds.catch((error: unknown) => {
  process.stderr.write(`${String(error)}\n`)
  process.exit(1)
})

onStop(async () => {
  going = false
  await rounds
  await cache.close()
  await database.end()
  process.stdout.write(`calls ${JSON.stringify(calls)}\n`)
})
process.stdout.write('ready\n')
