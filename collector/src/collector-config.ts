import type { ContainerSource } from './containers/container-watcher.js'

/** What the collector needs to know; the command line and the environment are parsed elsewhere. */
export interface CollectorConfig {
  /** Name of this host in every record; null: its host name. */
  host: string | null
  /** Values of ADI_PROFILE to profile; empty: any. */
  allowedProfiles: readonly string[]
  /** Prefixes of the environment variables to keep; empty: all. */
  environmentPrefixes: readonly string[]
  /** Payload bytes kept of one message. */
  captureLimit: number
  /** Bytes of the kernel's ring, a power of two. */
  ringBytes: number
  /** Bytes that may wait for the log before records are dropped and counted. */
  queueBytes: number
  hook: 'auto' | 'socket' | 'function' | 'syscall'
  /** The container runtime to watch; null or absent: none. */
  containers?: ContainerSource | null
}
