import { setTimeout as sleep } from 'node:timers/promises'
import { LogError } from '../errors.js'
import { confluentFrame } from './framing.js'
import type { RegistryOptions } from './options.js'
import type { Schemas } from './schemas.js'

/** New readers read what all older schemas of a topic have written. */
export const compatibility = 'BACKWARD_TRANSITIVE'
const retryMs = 200
const requestTimeoutMs = 10_000

/**
 * Schemas in a registry with Confluent's API: the subject of a topic is its name and `-value`
 * (TopicNameStrategy), its compatibility BACKWARD_TRANSITIVE.
 */
export class SchemaRegistry implements Schemas {
  readonly #options: RegistryOptions
  readonly #subjectOf: (topic: string) => string
  readonly #timeoutMs: number
  /** Knows the schemas of records from before there was a registry. */
  readonly #before: Schemas
  readonly #ids = new Map<string, number>()
  readonly #schemas = new Map<number, object>()
  readonly #frames = new Map<number, Uint8Array>()
  readonly #guarded = new Map<string, Promise<unknown>>()

  /** `physical` is a topic's name in the cluster; `timeoutMs`: how long an absent registry is waited for. */
  constructor(options: RegistryOptions, physical: (topic: string) => string, timeoutMs: number, before: Schemas) {
    this.#options = options
    this.#subjectOf = (topic) => `${physical(topic)}-value`
    this.#timeoutMs = timeoutMs
    this.#before = before
  }

  async register(topic: string, schema: object): Promise<number> {
    const text = JSON.stringify(schema)
    const subject = this.#subjectOf(topic)
    const key = `${subject} ${text}`
    const known = this.#ids.get(key)
    if (known !== undefined) return known
    await this.#guard(subject)
    const path = `/subjects/${encodeURIComponent(subject)}/versions`
    const { status, body } = await this.#change('POST', path, { schema: text })
    if (status === 409) {
      throw new LogError('invalid', `topic ${topic}: the schema is not ${compatibility}: ${messageOf(body)}`)
    }
    const id = isObject(body) ? body.id : undefined
    if (status !== 200 || typeof id !== 'number') throw this.#unexpected('POST', path, status, body)
    this.#ids.set(key, id)
    this.#schemas.set(id, schema)
    return id
  }

  async schema(id: number): Promise<object> {
    const known = this.#schemas.get(id)
    if (known !== undefined) return known
    const path = `/schemas/ids/${id}`
    const { status, body } = await this.#ask('GET', path)
    if (status === 404) return this.#before.schema(id)
    const text = isObject(body) ? body.schema : undefined
    if (status !== 200 || typeof text !== 'string') throw this.#unexpected('GET', path, status, body)
    const schema = JSON.parse(text) as object
    this.#schemas.set(id, schema)
    return schema
  }

  async prepare(): Promise<void> {}

  frame(id: number): Uint8Array {
    const known = this.#frames.get(id) ?? confluentFrame(id)
    this.#frames.set(id, known)
    return known
  }

  /** Sets a subject's compatibility, before its first schema. */
  async #guard(subject: string): Promise<void> {
    const path = `/config/${encodeURIComponent(subject)}`
    const guarding =
      this.#guarded.get(subject) ??
      this.#change('PUT', path, { compatibility }).then(({ status, body }) => {
        if (status !== 200) throw this.#unexpected('PUT', path, status, body)
      })
    this.#guarded.set(subject, guarding)
    await guarding.catch((error) => {
      this.#guarded.delete(subject)
      throw error
    })
  }

  /** Asked again at a 409: Apicurio gives it also to one of two processes that do the same at the same moment. */
  async #change(method: string, path: string, body: object): Promise<{ status: number; body: unknown }> {
    const answer = await this.#ask(method, path, body)
    return answer.status === 409 ? this.#ask(method, path, body) : answer
  }

  #unexpected(method: string, path: string, status: number, body: unknown): LogError {
    const code = status === 422 || status === 401 || status === 403 ? 'invalid' : 'unavailable'
    return new LogError(
      code,
      `schema registry ${this.#options.url}: ${method} ${path} gave ${status}: ${messageOf(body)}`,
    )
  }

  /** @throws LogError `unavailable` when the registry cannot be reached, or says 5xx, for too long */
  async #ask(method: string, path: string, body?: object): Promise<{ status: number; body: unknown }> {
    const { url, auth } = this.#options
    const headers: Record<string, string> = { accept: 'application/vnd.schemaregistry.v1+json, application/json' }
    if (body !== undefined) headers['content-type'] = 'application/vnd.schemaregistry.v1+json'
    if (auth !== undefined) {
      headers.authorization = `Basic ${Buffer.from(`${auth.username}:${auth.password}`).toString('base64')}`
    }
    const until = performance.now() + this.#timeoutMs
    for (;;) {
      let fault: unknown
      try {
        const response = await fetch(url.replace(/\/+$/, '') + path, {
          method,
          headers,
          body: body === undefined ? null : JSON.stringify(body),
          signal: AbortSignal.timeout(requestTimeoutMs),
        })
        const text = await response.text()
        if (response.status < 500) return { status: response.status, body: parsed(text) }
        fault = new Error(`${method} ${path} gave ${response.status}: ${text.slice(0, 200)}`)
      } catch (error) {
        fault = error
      }
      if (performance.now() + retryMs > until) {
        const cause = fault instanceof Error && fault.cause instanceof Error ? fault.cause.message : ''
        const said = fault instanceof Error ? `${fault.message} ${cause}`.trim() : String(fault)
        throw new LogError('unavailable', `schema registry ${url}: ${said}`, { cause: fault })
      }
      await sleep(retryMs)
    }
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

function messageOf(body: unknown): string {
  const message = isObject(body) ? body.message : body
  return String(message ?? '').slice(0, 500)
}
