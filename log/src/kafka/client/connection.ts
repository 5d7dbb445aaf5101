import type { SASLOptions } from 'kafkajs'
import { KafkaFault } from './fault.js'
import { type ApiVersions, createSocketFactory, RawConnection, silent } from './internals.js'
import { WireReader, type WireRequest, WireWriter } from './wire.js'

export interface ConnectionOptions {
  clientId: string
  /** Options of node:tls; null for plain text. */
  tls: object | null
  sasl: SASLOptions | null
  connectTimeoutMs: number
  requestTimeoutMs: number
}

/** A connection whose session ends sooner than this is not used any more, ms. */
const sessionEndMs = 1500

/** One connection to one broker. After a fault of the network it is dead: make another. */
export class Connection {
  readonly address: string
  readonly #raw: RawConnection
  readonly #clientId: string
  readonly #requestTimeoutMs: number
  #versions: ApiVersions = {}
  #authenticates = false
  #pending = 0
  #retired = false
  #dead = false

  private constructor(host: string, port: number, options: ConnectionOptions) {
    this.address = `${host}:${port}`
    this.#clientId = options.clientId
    this.#requestTimeoutMs = options.requestTimeoutMs
    this.#raw = new RawConnection({
      host,
      port,
      clientId: options.clientId,
      logger: silent,
      socketFactory: createSocketFactory(),
      ssl: options.tls,
      sasl: options.sasl,
      connectionTimeout: options.connectTimeoutMs,
      requestTimeout: options.requestTimeoutMs,
      // It looks ten times a second for requests that took too long, with nothing to do too: `send` has its own timer.
      enforceRequestTimeout: false,
      reauthenticationThreshold: sessionEndMs,
    })
    calm(this.#raw)
  }

  /** @throws KafkaFault `CONNECTION`, `TIMEOUT`, or SASL's */
  static async open(host: string, port: number, options: ConnectionOptions): Promise<Connection> {
    const connection = new Connection(host, port, options)
    try {
      await connection.#raw.connect()
      connection.#versions = await connection.send(apiVersions)
      connection.#raw.setVersions(connection.#versions)
      connection.#raw.setSupportAuthenticationProtocol(saslAuthenticateKey in connection.#versions)
      await connection.#raw.authenticate()
      connection.#authenticates = options.sasl !== null
      return connection
    } catch (error) {
      connection.destroy()
      const name = error instanceof Error ? error.name : ''
      const said = error instanceof Error ? error.message : String(error)
      if (/SASL/.test(name)) throw new KafkaFault('SASL_AUTHENTICATION_FAILED', `${connection.address}: ${said}`)
      throw error instanceof KafkaFault ? error : new KafkaFault('CONNECTION', `${connection.address}: ${said}`)
    }
  }

  /** Whether it takes requests. The end of a session of SASL is near when it does not: brokers then close it. */
  get alive(): boolean {
    return !this.#dead && this.#raw.isConnected() && (!this.#authenticates || this.#raw.isAuthenticated())
  }

  /** Ends it once what it has been asked is answered. */
  retire(): void {
    this.#retired = true
    if (this.#pending === 0) this.destroy()
  }

  /** @throws KafkaFault `CONNECTION`, `TIMEOUT`, and what `request.read` throws */
  async send<T>(request: WireRequest<T>): Promise<T> {
    const version = this.#version(request)
    const timeoutMs = this.#requestTimeoutMs + (request.waitMs ?? 0)
    const timer = setTimeout(() => {
      this.#dead = true
      const fault = new KafkaFault('TIMEOUT', `${this.address} did not answer ${request.name} within ${timeoutMs} ms`)
      this.#raw.rejectRequests(fault)
      this.destroy()
    }, timeoutMs)
    let payload: Buffer
    try {
      this.#pending++
      payload = await this.#answer(request, version)
    } catch (error) {
      this.destroy()
      if (error instanceof KafkaFault) throw error
      const said = error instanceof Error ? error.message : String(error)
      throw new KafkaFault('CONNECTION', `${this.address}: ${said}`, { cause: error })
    } finally {
      clearTimeout(timer)
      if (--this.#pending === 0 && this.#retired) this.destroy()
    }
    return request.read(new WireReader(payload), version)
  }

  /** @throws KafkaFault `UNSUPPORTED_VERSION` */
  #version<T>({ name, apiKey, apiVersion, oldest = apiVersion }: WireRequest<T>): number {
    if (apiKey === apiVersions.apiKey) return apiVersion
    const { minVersion, maxVersion } = this.#versions[apiKey] ?? { minVersion: -1, maxVersion: -1 }
    const version = Math.min(apiVersion, maxVersion)
    if (version >= Math.max(oldest, minVersion)) return version
    const known = maxVersion < 0 ? 'none' : `${minVersion} to ${maxVersion}`
    throw new KafkaFault(
      'UNSUPPORTED_VERSION',
      `the broker at ${this.address} knows versions ${known} of the request ${name}, not ${oldest} to ${apiVersion}`,
    )
  }

  /** kafkajs's own way of sending copies a request twice, into memory it clears first. */
  #answer<T>(request: WireRequest<T>, version: number): Promise<Buffer> {
    const raw = this.#raw
    const correlationId = raw.nextCorrelationId()
    const header = new WireWriter().int16(request.apiKey).int16(version).int32(correlationId).string(this.#clientId)
    const body = new WireWriter()
    request.write(body, version)
    const pieces = [...header.pieces(), ...body.pieces()]
    const size = new WireWriter().int32(pieces.reduce((sum, { length }) => sum + length, 0))
    return new Promise<Buffer>((resolve, reject) => {
      const { apiKey, name: apiName } = request
      raw.requestQueue.push({
        entry: {
          ...{ apiKey, apiName, apiVersion: version, correlationId },
          resolve: ({ payload }) => resolve(payload),
          reject,
        },
        expectResponse: true,
        requestTimeout: null,
        sendRequest: () => {
          const { socket } = raw
          if (socket === undefined || !raw.isConnected()) throw new Error('not connected')
          socket.cork()
          socket.write(size.bytes())
          for (const piece of pieces) socket.write(piece)
          socket.uncork()
        },
      })
    })
  }

  /** Ends it now; what waits for an answer fails. */
  destroy(): void {
    this.#dead = true
    this.#raw.rejectRequests(new KafkaFault('CONNECTION', `the connection to ${this.address} was closed`))
    this.#raw.socket?.destroy()
    void this.#raw.disconnect().catch(() => undefined)
  }
}

/**
 * kafkajs looks every millisecond, for ever, whether a request waits to be sent, from the first one on. There is
 * something to look for only while one waits.
 */
function calm(raw: RawConnection): void {
  const queue = raw.requestQueue
  const schedule = queue.scheduleCheckPendingRequests.bind(queue)
  queue.scheduleCheckPendingRequests = () => {
    if (queue.pending.length > 0) schedule()
  }
}

const saslAuthenticateKey = 36
const apiVersions: WireRequest<ApiVersions> = {
  name: 'ApiVersions',
  apiKey: 18,
  apiVersion: 1,
  write: () => undefined,
  read: (reader) => {
    const code = reader.int16()
    if (code !== 0) throw new KafkaFault('UNSUPPORTED_VERSION', `ApiVersions failed with code ${code}`)
    const versions: ApiVersions = {}
    reader.array(() => {
      const key = reader.int16()
      versions[key] = { minVersion: reader.int16(), maxVersion: reader.int16() }
    })
    return versions
  },
}
