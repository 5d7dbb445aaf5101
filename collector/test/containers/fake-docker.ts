import { once } from 'node:events'
import { createServer, type Server, type ServerResponse } from 'node:http'

/** Answers as Docker does, for what no real engine can be made to do: thousands of containers, and faults. */
export class FakeDocker {
  readonly containers = new Map<string, object>()
  inspections = 0
  /** Path and query of every question. */
  readonly asked: string[] = []
  /** Replaces the answer to a path. */
  readonly instead = new Map<string, (response: ServerResponse) => void>()
  readonly #server: Server
  readonly #streams = new Set<ServerResponse>()

  private constructor() {
    this.#server = createServer((request, response) => {
      this.asked.push(request.url ?? '')
      const path = (request.url ?? '').split('?')[0] as string
      const special = this.instead.get(path)
      if (special !== undefined) return special(response)
      if (path === '/version') return json(response, { Version: '0.1', ApiVersion: '1.41' })
      if (path === '/containers/json')
        return json(
          response,
          [...this.containers.keys()].map((Id) => ({ Id })),
        )
      if (path === '/events') {
        response.writeHead(200).flushHeaders()
        this.#streams.add(response.once('close', () => this.#streams.delete(response)))
        return
      }
      const id = /^\/containers\/(.+)\/json$/.exec(path)?.[1]
      const described = id === undefined ? undefined : this.containers.get(id)
      this.inspections++
      if (described === undefined) return json(response, { message: 'no such container' }, 404)
      json(response, described)
    })
  }

  static async listen(socket: string): Promise<FakeDocker> {
    const fake = new FakeDocker()
    fake.#server.listen(socket)
    await once(fake.#server, 'listening')
    return fake
  }

  add(id: string, change: object = {}): void {
    this.containers.set(id, {
      Id: id,
      Name: `/name-${id}`,
      Config: { Image: 'image:1', Labels: null },
      State: { Running: true, Pid: 4_000_000, StartedAt: '2026-01-01T00:00:00.5Z', FinishedAt: '0001-01-01T00:00:00Z' },
      HostConfig: { NetworkMode: 'default' },
      NetworkSettings: { Ports: {}, Networks: { bridge: { NetworkID: 'n', IPAddress: '172.17.0.9' } } },
      ...change,
    })
  }

  /** Resolves when somebody follows the events. */
  async followed(): Promise<void> {
    while (this.#streams.size === 0) await new Promise((resolve) => setTimeout(resolve, 5))
  }

  say(text: string): void {
    for (const stream of this.#streams) stream.write(`${text}\n`)
  }

  event(Action: string, ID: string, Attributes: Record<string, string> = {}, Type = 'container'): void {
    const timeNano = Date.now() * 1_000_000
    this.say(JSON.stringify({ Type, Action, Actor: { ID, Attributes }, time: Math.floor(Date.now() / 1000), timeNano }))
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close')
    this.#server.close()
    this.#server.closeAllConnections()
    await closed
  }
}

export function json(response: ServerResponse, body: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}
