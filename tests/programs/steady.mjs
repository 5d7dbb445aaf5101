// Light traffic until SIGTERM. Usage: node steady.mjs HTTP_PORT REDIS_PORT [PAUSE]
// Bursts of POSTs on kept connections, now and then one on a connection of its own and a PING to Redis, with pauses of so
// many milliseconds; ends by printing how many were answered rightly.
import { Agent, request } from 'node:http'
import { connect } from 'node:net'

const [, , port, redis, pauseMs = 150] = process.argv.map(Number)
const agent = new Agent({ keepAlive: true, maxSockets: 3 })
let going = true
process.once('SIGTERM', () => {
  going = false
})

function post(n, own) {
  return new Promise((resolve, reject) => {
    const body = JSON.stringify({ n, pad: 's'.repeat(n % 5 === 2 ? 40_000 : n % 50) })
    const options = { host: '127.0.0.1', port, method: 'POST', path: `/echo/${n % 20}`, agent: own ? false : agent }
    const sent = request({ ...options, headers: { 'content-type': 'application/json' } }, (response) => {
      const chunks = []
      response.on('data', (chunk) => chunks.push(chunk)).on('end', () => resolve(`${Buffer.concat(chunks)}` === body))
    })
    sent.on('error', reject).end(body)
  })
}

function ping() {
  return new Promise((resolve, reject) => {
    const socket = connect(redis, '127.0.0.1', () => socket.write('*1\r\n$4\r\nPING\r\n'))
    socket.on('error', reject).on('data', () => socket.end(() => resolve(true)))
  })
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

process.stdout.write('listening\n')
let right = 0
for (let n = 0; going; ) {
  const burst = Array.from({ length: 12 }, (_, index) => post(n + index, index === 0))
  right += (await Promise.all(burst)).filter(Boolean).length
  n += burst.length
  await ping()
  await pause(pauseMs)
}
agent.destroy()
process.stdout.write(`${right}\n`)
