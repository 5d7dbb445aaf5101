import { LogError } from '../../errors.js'
import { protocolError } from './internals.js'

/** What an answer of a broker, or its absence, says. `type` is a name of the protocol's, or `CONNECTION` or `TIMEOUT`. */
export class KafkaFault extends Error {
  readonly type: string
  constructor(type: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'KafkaFault'
    this.type = type
  }
  /** Whether the same request may succeed later. */
  get passes(): boolean {
    return passing.has(this.type)
  }
}

const passing = new Set([
  ...['CONNECTION', 'TIMEOUT'],
  ...['UNKNOWN_TOPIC_OR_PARTITION', 'LEADER_NOT_AVAILABLE', 'NOT_LEADER_FOR_PARTITION', 'REQUEST_TIMED_OUT'],
  ...['BROKER_NOT_AVAILABLE', 'REPLICA_NOT_AVAILABLE', 'NETWORK_EXCEPTION', 'CORRUPT_MESSAGE'],
  ...['GROUP_LOAD_IN_PROGRESS', 'GROUP_COORDINATOR_NOT_AVAILABLE', 'NOT_COORDINATOR_FOR_GROUP'],
  ...['NOT_ENOUGH_REPLICAS', 'NOT_ENOUGH_REPLICAS_AFTER_APPEND', 'NOT_CONTROLLER', 'KAFKA_STORAGE_ERROR'],
  ...['CONCURRENT_TRANSACTIONS', 'UNSTABLE_OFFSET_COMMIT', 'FENCED_LEADER_EPOCH', 'UNKNOWN_LEADER_EPOCH'],
  ...['LISTENER_NOT_FOUND', 'OFFSET_NOT_AVAILABLE', 'PREFERRED_LEADER_NOT_AVAILABLE', 'COORDINATOR_LOAD_IN_PROGRESS'],
  ...['COORDINATOR_NOT_AVAILABLE', 'NOT_COORDINATOR', 'NOT_LEADER_OR_FOLLOWER', 'TOPIC_DELETION_IN_PROGRESS'],
])

/** Those that say that leaders or coordinators are not where they were thought to be. */
export const misplaced = new Set([
  ...['CONNECTION', 'TIMEOUT', 'UNKNOWN_TOPIC_OR_PARTITION', 'LEADER_NOT_AVAILABLE', 'NOT_LEADER_FOR_PARTITION'],
  ...['BROKER_NOT_AVAILABLE', 'REPLICA_NOT_AVAILABLE', 'GROUP_COORDINATOR_NOT_AVAILABLE', 'NOT_COORDINATOR_FOR_GROUP'],
  ...['NOT_CONTROLLER', 'COORDINATOR_NOT_AVAILABLE', 'NOT_COORDINATOR', 'NOT_LEADER_OR_FOLLOWER'],
  ...['KAFKA_STORAGE_ERROR', 'FENCED_LEADER_EPOCH', 'UNKNOWN_LEADER_EPOCH'],
])

/** @throws KafkaFault for every code but 0 */
export function checkCode(code: number, what: string, detail?: string | null): void {
  if (code !== 0) throw faultOf(code, what, detail)
}

export function faultOf(code: number, what: string, detail?: string | null): KafkaFault {
  const { type, message } = protocolError(code)
  return new KafkaFault(type, `${what}: ${detail ? `${message} (${detail})` : message}`)
}

/** What a caller of the log gets for a fault that no retry has helped. */
export function logError(error: unknown, what: string): LogError {
  if (error instanceof LogError) return error
  const said = error instanceof Error ? error.message : String(error)
  const type = error instanceof KafkaFault ? error.type : ''
  const options = { cause: error }
  if (fencing.has(type)) return new LogError('fenced', `${what}: ${said}`, options)
  if (/^UNKNOWN_TOPIC/.test(type)) return new LogError('unknown_topic', `${what}: ${said}`, options)
  if (type === 'OFFSET_OUT_OF_RANGE') return new LogError('offset_out_of_range', `${what}: ${said}`, options)
  if (tooLarge.has(type)) return new LogError('record_too_large', `${what}: ${said}`, options)
  if (/^(INVALID_|POLICY_|UNSUPPORTED_)/.test(type)) return new LogError('invalid', `${what}: ${said}`, options)
  const away = silent.has(type) ? 'the brokers cannot be reached: ' : ''
  return new LogError('unavailable', `${what}: ${away}${said}`, options)
}

/** Nothing was answered. */
const silent = new Set(['CONNECTION', 'TIMEOUT'])

export const fencing = new Set(['INVALID_PRODUCER_EPOCH', 'PRODUCER_FENCED'])
export const tooLarge = new Set(['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE', 'OFFSET_METADATA_TOO_LARGE'])
