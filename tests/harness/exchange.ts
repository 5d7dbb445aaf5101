import { Agent, request } from 'node:http'

const agent = new Agent({ keepAlive: true, maxSockets: 1 })

/**
 * One exchange with an echo server on the one connection that is kept; resolves when the body has come back.
 * @throws when another body comes back
 */
export function exchange(port: number, path: string, body: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, method: 'POST', path, agent }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk) => chunks.push(chunk))
      response.on('end', () => (`${Buffer.concat(chunks)}` === body ? resolve() : reject(new Error('another body'))))
    })
    sent.on('error', reject).end(body)
  })
}
