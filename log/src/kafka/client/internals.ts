import { createRequire } from 'node:module'
import type { Socket } from 'node:net'
import type { SASLOptions } from 'kafkajs'

/**
 * The parts of kafkajs in use: its connection (sockets, TLS, SASL, correlation of answers) and its table of error codes.
 * They are not among its public names, so its version is pinned.
 */
const require = createRequire(import.meta.url)

export interface RequestQueue {
  readonly pending: readonly unknown[]
  scheduleCheckPendingRequests(): void
  push(request: QueuedRequest): void
}

/** A request under way; the answer with its correlation id settles it. */
export interface QueuedRequest {
  entry: {
    apiKey: number
    apiName: string
    apiVersion: number
    correlationId: number
    resolve(answer: { payload: Buffer }): void
    reject(error: Error): void
  }
  expectResponse: true
  requestTimeout: null
  sendRequest(): void
}

export interface RawConnection {
  readonly requestQueue: RequestQueue
  readonly socket?: Socket
  nextCorrelationId(): number
  isConnected(): boolean
  isAuthenticated(): boolean
  connect(): Promise<unknown>
  authenticate(): Promise<void>
  setVersions(versions: ApiVersions): void
  setSupportAuthenticationProtocol(supported: boolean): void
  rejectRequests(error: Error): void
  disconnect(): Promise<unknown>
}

/** By api key. */
export type ApiVersions = Record<number, { minVersion: number; maxVersion: number }>

export interface RawConnectionOptions {
  host: string
  port: number
  clientId: string
  logger: unknown
  socketFactory: unknown
  ssl: object | null
  sasl: SASLOptions | null
  connectionTimeout: number
  requestTimeout: number
  enforceRequestTimeout: boolean
  /** ms before its end that a session of SASL counts as over. */
  reauthenticationThreshold: number
}

export const RawConnection = require('kafkajs/src/network/connection') as new (
  options: RawConnectionOptions,
) => RawConnection
export const createSocketFactory = require('kafkajs/src/network/socketFactory') as () => unknown
const { createLogger } = require('kafkajs/src/loggers') as {
  createLogger(options: { level: number; logCreator: () => () => void }): unknown
}
/** Libraries never print: what goes wrong is thrown. */
export const silent = createLogger({ level: 0, logCreator: () => () => undefined })
const { createErrorFromCode } = require('kafkajs/src/protocol/error') as {
  createErrorFromCode(code: number): Error & { type?: string }
}

/** Name and text of an error code of the protocol (Kafka protocol guide, "Protocol Error Codes"). */
export function protocolError(code: number): { type: string; message: string } {
  const known = newerErrors[code]
  if (known !== undefined) return { type: known, message: known.toLowerCase().replaceAll('_', ' ') }
  const { type, message } = createErrorFromCode(code)
  return { type: type ?? `ERROR_${code}`, message }
}

/** Codes that kafkajs does not know by name. */
const newerErrors: Record<number, string> = {
  79: 'MEMBER_ID_REQUIRED',
  82: 'FENCED_INSTANCE_ID',
  88: 'UNSTABLE_OFFSET_COMMIT',
  90: 'PRODUCER_FENCED',
  110: 'FENCED_MEMBER_EPOCH',
  120: 'TRANSACTION_ABORTABLE',
}
