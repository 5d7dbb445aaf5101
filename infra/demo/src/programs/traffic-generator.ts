import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { createClient } from 'redis'
import { required } from './environment.js'
import { onStop } from './on-stop.js'
import { untilItWorks } from './until-it-works.js'

// Calls the HTTP service, the cache and the database, round after round; says at its end how often it got an answer
// from what. A server that is away is waited for; an answer that is wrong ends the program.
const service = required('HTTP_SERVICE_URL')
const database = new pg.Pool({ connectionString: required('POSTGRES_URL'), max: 1 })
// The pool tells of a connection that breaks while nobody uses it.
database.on('error', (error) => process.stderr.write(`postgres: ${error.message}\n`))
const cache = createClient({ url: required('REDIS_URL'), name: 'traffic-generator' })
cache.on('error', (error: Error) => process.stderr.write(`redis: ${error.message}\n`))
const stopping = new AbortController()
const calls: Record<string, number> = {}

const ask = (text: string, values: string[] = []) =>
  untilItWorks('postgres', stopping.signal, () => database.query(text, values))

async function call(method: string, path: string, body?: object): Promise<void> {
  const init: RequestInit = { method }
  if (body !== undefined) {
    init.headers = { 'content-type': 'application/json' }
    init.body = JSON.stringify(body)
  }
  const response = await untilItWorks('http-service', stopping.signal, async () => {
    const answer = await fetch(`${service}${path}`, init)
    await answer.arrayBuffer()
    return answer
  })
  if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}`)
  const name = `${method} ${path}`
  calls[name] = (calls[name] ?? 0) + 1
  await untilItWorks('redis', stopping.signal, () => cache.incr(`calls:${name}`))
  await ask('INSERT INTO visits (path) VALUES ($1)', [path])
}

async function rounds(): Promise<void> {
  for (let round = 1; !stopping.signal.aborted; round++) {
    await call('GET', '/')
    await call('GET', '/healthz')
    await call('POST', '/echo', { message: 'hello', round })
    await call('GET', '/slow')
    await ask('SELECT count(*) FROM visits')
    await sleep(100)
  }
}

await cache.connect()
await ask('CREATE TABLE IF NOT EXISTS visits (id serial PRIMARY KEY, path text NOT NULL)')
const working = rounds().catch((error: unknown) => {
  process.stderr.write(`${String(error)}\n`)
  if (!stopping.signal.aborted) process.exit(1)
})
onStop(async () => {
  stopping.abort()
  await working
  await cache.close()
  await database.end()
  process.stdout.write(`calls ${JSON.stringify(calls)}\n`)
})
process.stdout.write('ready\n')
