import type { SASLOptions } from 'kafkajs'

export interface KafkaLogOptions {
  /** host:port of some brokers; the others are found through them. */
  brokers: readonly string[]
  /** Names this client in the broker's logs and quotas. Default `syscribe`. */
  clientId?: string | undefined
  /** Stands before the names of all topics, groups and transactional ids. Default `syscribe.`. */
  prefix?: string | undefined
  /** TLS: true, or options of node:tls (`ca`, `cert`, `key`, `rejectUnauthorized`, ...). Default: plain text. */
  tls?: boolean | object | undefined
  /** `mechanism` (`plain`, `scram-sha-256`, `scram-sha-512`), `username`, `password`; or kafkajs's for OAuth and AWS. */
  sasl?: KafkaSasl | undefined
  /** A registry with Confluent's API. Without one, schemas are kept in the topic `schemas`. */
  registry?: RegistryOptions | undefined
  /** Copies of each partition of new topics. Default: the cluster's. */
  replication?: number | undefined
  /** Batches are sent compressed by gzip: less disk and network for much more CPU. Default false. */
  gzip?: boolean | undefined
  /**
   * How long an append or a commit is tried again while brokers are away before it fails with `unavailable`, ms.
   * Infinity: until the producer is closed. Default 120,000.
   */
  deliveryTimeoutMs?: number | undefined
  /** The same for everything else; readers answer nothing until then. Default 10,000. */
  operationTimeoutMs?: number | undefined
  /** An answer that takes longer counts as a broken connection, ms. Default 20,000. */
  requestTimeoutMs?: number | undefined
  /** A transaction that its producer has left open is aborted by the broker after this, ms. Default 300,000. */
  transactionTimeoutMs?: number | undefined
  /** A member of a group that has not been heard of for this long is put out, ms. Default 10,000. */
  sessionTimeoutMs?: number | undefined
  /** Longest time for members to let go of partitions, ms. Default 60,000. */
  rebalanceTimeoutMs?: number | undefined
  /** Packed batches above are refused with `record_too_large`, bytes. Default 15 MiB. */
  maxBatchBytes?: number | undefined
  /**
   * Largest Kafka batch, and so record, that new topics take (`max.message.bytes`). Default 16 MiB: a whole HTTP message
   * or environment is one record, and brokers' own 1 MiB refuses what is captured by default.
   */
  maxMessageBytes?: number | undefined
}

export type KafkaSasl = SASLOptions

export interface RegistryOptions {
  /** Base URL of the API. */
  url: string
  /** User and password for HTTP basic authentication. */
  auth?: { username: string; password: string } | undefined
}

/** Options with what they are by default. */
export interface Settings {
  prefix: string
  replication: number
  gzip: boolean
  deliveryTimeoutMs: number
  operationTimeoutMs: number
  transactionTimeoutMs: number
  sessionTimeoutMs: number
  rebalanceTimeoutMs: number
  maxBatchBytes: number
  maxMessageBytes: number
}
