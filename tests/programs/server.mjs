// HTTP echo server on node:http. Usage: node server.mjs PORT
import { createServer } from 'node:http'

createServer(async (request, response) => {
  const chunks = []
  for await (const chunk of request) chunks.push(chunk)
  response.setHeader('content-type', 'application/json')
  response.end(Buffer.concat(chunks))
}).listen(Number(process.argv[2]), '127.0.0.1', () => process.stdout.write('listening\n'))
