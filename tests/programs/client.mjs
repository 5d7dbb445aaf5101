// HTTP client on node:http. Usage: node client.mjs URL COUNT
import { Agent, request } from 'node:http'

const [, , url, count] = process.argv
const agent = new Agent({ keepAlive: true, maxSockets: 1 })

function post(n, body) {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': body.length }
    const sent = request(`${url}/echo/${n}`, { method: 'POST', agent, headers }, (response) => {
      const chunks = []
      response.on('data', (chunk) => chunks.push(chunk)).on('end', () => resolve(Buffer.concat(chunks).toString()))
    })
    sent.on('error', reject).end(body)
  })
}

let right = 0
for (let n = 0; n < Number(count); n++) {
  const body = JSON.stringify({ n, pad: 'n'.repeat(n % 50) })
  if ((await post(n, body)) === body) right++
}
process.stdout.write(`${right}\n`)
agent.destroy()
