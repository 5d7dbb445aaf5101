import { Agent, type IncomingMessage, request } from 'node:http'
import { createInterface } from 'node:readline'
import { ContainerRuntimeError, fromSocketError } from './runtime-error.js'

/** A runtime that does not answer in this time is not there. Milliseconds. */
const answerMs = 15_000
/** Questions asked at once. */
const concurrency = 8
/** A container's description with thousands of labels is well below this. Bytes. */
const longestAnswer = 32 << 20

/**
 * The HTTP API of Docker (Docker Engine API, "Versioned API and SDK"), which Podman answers too, over a unix socket.
 * Paths carry no version: the oldest fields are used only.
 */
export class DockerApi {
  readonly socket: string
  readonly #agent = new Agent({ keepAlive: true, maxSockets: concurrency })

  constructor(socket: string) {
    this.socket = socket
  }

  /**
   * The JSON at a path; null for what is not there: status 404, or what Podman says of a container that is removed meanwhile.
   * @throws ContainerRuntimeError; HTTP that cannot be parsed has its `HPE_…` error as cause
   */
  async get(path: string): Promise<{ body: unknown; headers: IncomingMessage['headers'] } | null> {
    const response = await this.#open(path, this.#agent)
    const chunks: Buffer[] = []
    let size = 0
    try {
      for await (const chunk of response) {
        size += (chunk as Buffer).length
        if (size > longestAnswer) {
          throw new ContainerRuntimeError('bad_answer', `${this.socket}: the answer to GET ${path} is over 32 MiB`)
        }
        chunks.push(chunk as Buffer)
      }
    } catch (cause) {
      throw fromSocketError(this.socket, cause)
    }
    const text = Buffer.concat(chunks).toString()
    if (response.statusCode === 404) return null
    if (response.statusCode === 500 && /"cause": *"no such container"/.test(text)) return null
    if (response.statusCode !== 200) {
      const said = `${response.statusCode} ${text.slice(0, 200).trim()}`
      throw new ContainerRuntimeError('bad_answer', `${this.socket}: GET ${path} was answered with ${said}`)
    }
    try {
      return { body: JSON.parse(text), headers: response.headers }
    } catch (cause) {
      throw new ContainerRuntimeError('bad_answer', `${this.socket}: the answer to GET ${path} is not JSON`, { cause })
    }
  }

  /**
   * Follows an answer of one JSON value a line. Resolves, with why, when it ends, however that is.
   * @param onLine gets values that may be anything
   */
  async follow(path: string, onLine: (value: unknown) => void, signal: AbortSignal): Promise<ContainerRuntimeError> {
    let response: IncomingMessage | undefined
    try {
      response = await this.#open(path, undefined, signal)
      if (response.statusCode !== 200) {
        response.resume()
        throw new ContainerRuntimeError('bad_answer', `${this.socket}: GET ${path} gave status ${response.statusCode}`)
      }
      // The error of a broken stream is not passed on by readline.
      const stream = response
      const broken = new Promise<never>((_, reject) => stream.on('error', reject))
      const lines = (async () => {
        for await (const line of createInterface({ input: stream })) {
          if (line.trim() !== '') onLine(JSON.parse(line))
        }
      })()
      await Promise.race([lines, broken])
      return new ContainerRuntimeError('unavailable', `${this.socket}: the runtime ended the stream of events`)
    } catch (cause) {
      return fromSocketError(this.socket, cause)
    } finally {
      response?.destroy()
    }
  }

  close(): void {
    this.#agent.destroy()
  }

  #open(path: string, agent: Agent | undefined, signal?: AbortSignal): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const follows = agent === undefined
      const outgoing = request({
        socketPath: this.socket,
        path,
        agent: agent ?? false,
        headers: { host: 'localhost', 'user-agent': 'syscribe' },
        ...(signal === undefined ? {} : { signal }),
      })
      // A stream may be silent for as long as nothing happens, its headers included (Podman).
      if (!follows) {
        outgoing.setTimeout(answerMs, () => {
          const message = `${this.socket}: no answer to GET ${path} in ${answerMs / 1000} s`
          outgoing.destroy(new ContainerRuntimeError('timeout', message))
        })
      }
      outgoing.once('response', resolve)
      outgoing.once('error', (cause) => reject(fromSocketError(this.socket, cause)))
      outgoing.end()
    })
  }
}
