/**
 * The kernel side of capture: loads the BPF object, drains its rings on a native thread, and hands over encoded
 * batches of the topic `syscalls` and process events. Written in C and C++ (bpf/, collector/native); this file is its
 * whole TypeScript face. It reads no configuration and writes nothing anywhere.
 *
 * Use: `openCapture` → scan `/proc` and `adoptProcess` → `announceOpenConnections` → `read` in a loop → `stop` →
 * `flush` while still reading → `close`.
 */
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { RecordBatch } from '@syscribe/log'
import type { LossCause } from '@syscribe/schemas'

/**
 * - `addon_missing`, `object_missing`: not built; run `npm run build -w collector`.
 * - `not_linux`: another operating system.
 * - `no_btf`: the kernel has no /sys/kernel/btf/vmlinux (CONFIG_DEBUG_INFO_BTF).
 * - `no_rights`: neither root nor CAP_BPF + CAP_PERFMON + CAP_NET_ADMIN.
 * - `kernel_too_old`: a needed tracepoint, map or helper is missing; the message names it.
 * - `program_rejected`: the verifier refused a program; `detail` is its log.
 * - `attach_failed`: a program was loaded and could not be attached.
 * - `no_memory`: a map or a ring could not be allocated.
 * - `bad_option`: an option is out of range; the message names it.
 * - `closed`: the capture was closed.
 * - `system`: any other fault; the message names call and errno.
 */
export type CaptureErrorCode =
  | 'addon_missing'
  | 'object_missing'
  | 'not_linux'
  | 'no_btf'
  | 'no_rights'
  | 'seccomp'
  | 'bpf_refused'
  | 'kernel_too_old'
  | 'program_rejected'
  | 'attach_failed'
  | 'no_memory'
  | 'bad_option'
  | 'closed'
  | 'system'

/** A fault of capture. */
export class CaptureError extends Error {
  readonly code: CaptureErrorCode
  /** The verifier's or libbpf's log, when there is one. */
  readonly detail: string | null
  constructor(code: CaptureErrorCode, message: string, detail: string | null = null, options?: ErrorOptions) {
    super(message, options)
    this.name = 'CaptureError'
    this.code = code
    this.detail = detail
  }
}

/** A point in time. */
export interface Instant {
  /** Microseconds since the Unix epoch, UTC. */
  time: number
  /** Nanoseconds beyond `time`, 0 to 999. */
  timeNanos: number
}

/**
 * How socket I/O is seen: `socket` tracepoints (kernel 6.3 and newer), the end of the `function`s that send and receive
 * (5.15 and newer on x86_64, 6.4 on arm64), or `syscall` enter and exit (5.15 and newer on x86_64, 5.18 on arm64).
 */
export type Hook = 'socket' | 'function' | 'syscall'

export interface CaptureOptions {
  /** Name of this host, as it goes into every record. */
  host: string
  /** Boot identity, 16 bytes (/proc/sys/kernel/random/boot_id). */
  boot: Uint8Array
  /** Values of ADI_PROFILE that are observed, each at most 255 bytes of UTF-8; null: any value. Default null. */
  allowedProfiles?: readonly string[] | null
  /** Partitions of the topic `syscalls`; records go to murmur2(connection) modulo this. 1 to 256, default 1. */
  partitions?: number
  /** Schema id written into batches (Log.registerSchema). Default 0. */
  schemaId?: number
  /** Default `auto`: `socket` where the kernel has it. */
  hook?: Hook | 'auto'
  /** How BPF programs loop: `bpf_loop` (5.17 and newer) or `map` (bpf_for_each_map_elem). Default `auto`. */
  loop?: 'auto' | 'bpf_loop' | 'map'
  /** Kernel ring of socket records; a power of two, 64 KiB to 1 GiB. Default 64 MiB. */
  ringBytes?: number
  /** Kernel ring of process records; a power of two, 64 KiB to 1 GiB. Default 8 MiB. */
  processRingBytes?: number
  /**
   * Payload bytes kept of one burst: what passes in one direction of a connection between two bytes of the other
   * direction. Beyond it records carry length and position only (`missing: cap`). 0 to 16 MiB, default 1 MiB.
   */
  capBytes?: number
  /** Encoded bytes waiting for `read`; what does not fit is dropped and counted (`queue_full`). Default 256 MiB. */
  queueBytes?: number
  /** A batch is handed over when it holds this many bytes. 4 KiB to 64 MiB, default 1 MiB. */
  batchBytes?: number
  /** Longest time between two looks at the rings, and so before a batch is handed over, milliseconds. 1 to 1000, default 20. */
  batchMs?: number
  /** Nice value of the drain thread, -20 to 19; default -10. Left as it is where the rights are missing. */
  drainNice?: number
  /** Processes that can be observed at once. Default 65,536. */
  maxProcesses?: number
}

/** One packed batch of `syscalls` records: SocketIo, ConnectionOpened, ConnectionClosed. Timestamps do not decrease within a partition. */
export interface PartitionedBatch {
  partition: number
  batch: RecordBatch
}

/** A process that opted in, as the kernel showed it at exec, or when a forked one first used a socket. */
export interface ProcessSeenEvent extends Instant {
  kind: 'seen'
  /** exec: it executed a program. fork: an observed process forked it and it used a socket. */
  reason: 'exec' | 'fork'
  /** Thread group id in the initial pid namespace. */
  pid: number
  /** Clock ticks (10 ms) since boot: field 22 of /proc/<pid>/stat. */
  processStart: number
  /** Thread group id of its parent (task_struct.real_parent). */
  parentPid: number
  /** task_struct.comm. */
  comm: string
  /** Arguments, each ended by a NUL byte; null when they could not be read. fork: as they stand then (setproctitle). */
  cmdline: Buffer | null
  /** Value of ADI_PROFILE that opted it in. */
  profile: string
  /** Value of ADI_PROFILE_NAME. */
  profileName: string | null
  /**
   * Whole environment block, unfiltered, as it was at exec: NAME=value strings, each ended by a NUL byte. fork: that of
   * the program the process was forked from. Null when it could not be had.
   */
  environment: Buffer | null
  /** Why `environment` is null or cut; null when it is whole. */
  environmentError: string | null
  /** Path in the default (v2) cgroup hierarchy, `/` for its root; null when it could not be read. */
  cgroup: string | null
  /** The deepest of its paths in the hierarchies of v1, `/` where there are none; null when it could not be read. */
  controllerCgroup: string | null
}

/** An observed process ended, or executed a program without opting in again. */
export interface ProcessExitedEvent extends Instant {
  kind: 'exited'
  reason: 'exit' | 'opted_out'
  pid: number
  processStart: number
}

export type ProcessEvent = ProcessSeenEvent | ProcessExitedEvent

/** Capture records lost since the previous delivery, by cause. */
export interface Loss {
  cause: LossCause
  records: number
  /** Payload bytes in them. */
  bytes: number
}

/** What `read` hands over. */
export interface Delivery {
  /** In order within each partition. */
  batches: PartitionedBatch[]
  /** In order of time. A process is here no later than its first socket record. */
  processes: ProcessEvent[]
  losses: Loss[]
  /** Everything that passed up to here has now been handed over; no later record has an earlier or equal time. */
  watermark: Instant
}

/** A running process that opted in, found in /proc. */
export interface AdoptedProcess {
  pid: number
  /** Field 22 of /proc/<pid>/stat. */
  processStart: number
  /** `Capture.now()` taken before its /proc files were read: an exec after that decides, not this. */
  readAt: number
  /** Value of ADI_PROFILE. */
  profile: string
  profileName: string | null
  /** Environment block, given to the `seen` events of processes it forks later; null when it could not be had. */
  environment: Uint8Array | null
  /** Why `environment` is null or cut. */
  environmentError: string | null
}

export interface CaptureStats {
  hook: Hook
  /** SocketIo, ConnectionOpened and ConnectionClosed records encoded. */
  records: number
  /** Payload bytes in them. */
  payloadBytes: number
  /** Encoded bytes. */
  encodedBytes: number
  /** Totals by cause since the start. */
  lost: Loss[]
  /** Processes observed now. */
  processes: number
  /** Most bytes that waited in the ring of socket records at once. */
  ringHighWaterBytes: number
  ringBytes: number
  /** Encoded bytes waiting for `read` now, and at most so far. */
  queuedBytes: number
  queuedHighWaterBytes: number
  /** CPU time of the drain thread, microseconds. */
  drainCpuMicros: number
}

/** One thing the kernel, the rights or the build must offer. */
export interface KernelCheck {
  /**
   * rights, btf, sock_length_tracepoints, syscall_tracepoints, process_tracepoints, socket_state_tracepoints,
   * sk_storage, ringbuf, bpf_loop, iterator, programs_socket, programs_syscall.
   */
  name: string
  ok: boolean
  /** Capture cannot start without it. */
  required: boolean
  /** What it is good for, or what is wrong, in a sentence. */
  message: string
  /** Set when not ok. */
  code: CaptureErrorCode | null
  /** Verifier log or errno, when there is one. */
  detail: string | null
}

export interface KernelReport {
  /** uname -r. */
  release: string
  machine: string
  /** What `auto` chooses; null when capture cannot run. */
  hook: Hook | null
  checks: KernelCheck[]
}

/** Offset and size of each field of the ring records as the addon's compiler laid them out: struct → field → [offset, size]. */
export type EventLayout = Record<string, Record<string, [number, number]>>

interface NativeDelivery {
  batches: { partition: number; buffer: Buffer }[]
  processes: ProcessEvent[]
  losses: Loss[]
  watermark: Instant
  /** The watermark as boot time, nanoseconds. */
  reached: number
}

interface NativeCapture {
  hook(): Hook
  /** Whether anything waits. */
  ready(): boolean
  take(): NativeDelivery
  /** Asks for passes over the rings until a delivery has reached now; returns now as boot time, nanoseconds. */
  requestPass(): number
  adoptProcess(process: AdoptedProcess): boolean
  announceOpenConnections(): number
  now(): number
  stats(): CaptureStats
  stop(): void
  close(): void
}

interface NativeAddon {
  Capture: new (options: CaptureOptions & { object: string }, onReady: () => void) => NativeCapture
  checkKernel(object: string): KernelReport
  eventLayout(): EventLayout
  partitionOf(key: Uint8Array, partitions: number): number
}

const addonPath = fileURLToPath(new URL('../build/syscribe_native.node', import.meta.url))
/** The compiled BPF programs. */
export const bpfObjectPath: string = fileURLToPath(new URL('../build/capture.bpf.o', import.meta.url))

let loaded: NativeAddon | undefined

function addon(): NativeAddon {
  if (loaded !== undefined) return loaded
  if (process.platform !== 'linux')
    throw new CaptureError('not_linux', `capture needs Linux, this is ${process.platform}`)
  for (const [path, code] of [
    [addonPath, 'addon_missing'],
    [bpfObjectPath, 'object_missing'],
  ] as const) {
    if (!existsSync(path)) throw new CaptureError(code, `${path} is not built: run npm run build -w collector`)
  }
  try {
    loaded = createRequire(import.meta.url)(addonPath) as NativeAddon
  } catch (cause) {
    throw new CaptureError('addon_missing', `${addonPath} cannot be loaded: ${cause}`, null, { cause })
  }
  return loaded
}

/** Errors of the addon carry `code` and `detail`; anything else is passed on. */
function translated<T>(call: () => T): T {
  try {
    return call()
  } catch (cause) {
    if (
      cause instanceof Error &&
      'code' in cause &&
      typeof cause.code === 'string' &&
      !(cause instanceof CaptureError)
    ) {
      const detail = 'detail' in cause && typeof cause.detail === 'string' ? cause.detail : null
      throw new CaptureError(cause.code as CaptureErrorCode, cause.message, detail, { cause })
    }
    throw cause
  }
}

/** Capture that runs. One reader at a time. */
export class Capture {
  readonly #native: NativeCapture
  #wake: (() => void) | undefined
  #closed = false
  #handedOver: { watermark: Instant; reached: number } = { watermark: { time: 0, timeNanos: 0 }, reached: 0 }
  #flushes: { upTo: number; resolve: (reached: Instant) => void; reject: (error: CaptureError) => void }[] = []

  /** Use openCapture. */
  constructor(start: (onReady: () => void) => NativeCapture) {
    this.#native = translated(() => start(() => this.#wake?.()))
  }

  get hook(): Hook {
    return this.#native.hook()
  }

  /**
   * What has been captured since the last call: at once when something waits, else as soon as something comes, else
   * after `waitMs` with nothing but the watermark. Takes at most about 16 MiB at a time.
   * @throws CaptureError `closed`
   */
  async read(waitMs: number): Promise<Delivery> {
    this.#assertOpen()
    this.#settleFlushes()
    if (!this.#native.ready()) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(done, waitMs)
        const self = this
        function done() {
          clearTimeout(timer)
          self.#wake = undefined
          resolve()
        }
        this.#wake = done
        if (this.#native.ready()) done()
      })
      this.#assertOpen()
    }
    const { batches, processes, losses, watermark, reached } = translated(() => this.#native.take())
    this.#handedOver = { watermark, reached }
    return {
      batches: batches.map(({ partition, buffer }) => ({ partition, batch: new RecordBatch(buffer) })),
      processes,
      losses,
      watermark,
    }
  }

  /**
   * Resolves when everything that passed the hooks before this call has been handed over by `read`, and the reader has
   * come back for more: `read` must go on being called meanwhile. Returns the watermark that was reached.
   * @throws CaptureError `closed`
   */
  flush(): Promise<Instant> {
    this.#assertOpen()
    const upTo = translated(() => this.#native.requestPass())
    return new Promise((resolve, reject) => {
      this.#flushes.push({ upTo, resolve, reject })
    })
  }

  /**
   * Adds a running process found in /proc. False when the kernel knows better: it has executed a program since
   * `readAt`, is observed already, is gone (another start time), or is this process itself. To miss no fork meanwhile,
   * scan again until a scan finds nothing new.
   * @throws CaptureError `bad_option`, `system`, `closed`
   */
  adoptProcess(process: AdoptedProcess): boolean {
    this.#assertOpen()
    return translated(() => this.#native.adoptProcess(process))
  }

  /**
   * Looks at every open socket of the observed processes and announces connections not yet known (ConnectionOpened;
   * joinedLate when bytes passed before). Returns how many. Call after the scan.
   * @throws CaptureError `system`, `closed`
   */
  announceOpenConnections(): number {
    this.#assertOpen()
    return translated(() => this.#native.announceOpenConnections())
  }

  /** Nanoseconds since boot (CLOCK_BOOTTIME), for AdoptedProcess.readAt. */
  now(): number {
    this.#assertOpen()
    return this.#native.now()
  }

  /** @throws CaptureError `closed` */
  stats(): CaptureStats {
    this.#assertOpen()
    return this.#native.stats()
  }

  /** Detaches every program: nothing more is captured. What already was can still be read. */
  stop(): void {
    this.#assertOpen()
    translated(() => this.#native.stop())
  }

  /** Stops, joins the thread, frees maps and rings. What was not read is gone. Calling it again does nothing. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#native.close()
    const error = new CaptureError('closed', 'the capture was closed')
    for (const flush of this.#flushes.splice(0)) flush.reject(error)
    this.#wake?.()
  }

  #settleFlushes(): void {
    const { watermark, reached } = this.#handedOver
    const due = this.#flushes.filter((flush) => flush.upTo <= reached)
    if (due.length === 0) return
    this.#flushes = this.#flushes.filter((flush) => flush.upTo > reached)
    for (const flush of due) flush.resolve(watermark)
  }

  #assertOpen(): void {
    if (this.#closed) throw new CaptureError('closed', 'the capture was closed')
  }
}

/**
 * Loads and attaches the BPF programs and starts the drain thread. From its return on, every exec and every I/O is seen.
 * @throws CaptureError every code but `closed`
 */
export function openCapture(options: CaptureOptions): Capture {
  const native = addon()
  return new Capture((onReady) => new native.Capture({ ...options, object: bpfObjectPath }, onReady))
}

/**
 * What this kernel and these rights allow, found by trying. Leaves nothing behind.
 * @throws CaptureError `addon_missing`, `object_missing`, `not_linux`
 */
export function checkKernel(): KernelReport {
  return translated(() => addon().checkKernel(bpfObjectPath))
}

/** Layout of the ring records in the addon, for the test that compares it with the BTF of the BPF object. */
export function eventLayout(): EventLayout {
  return addon().eventLayout()
}

/** Partition of a connection: Kafka's default partitioner, toPositive(murmur2(key)) modulo `partitions`. */
export function partitionOf(key: Uint8Array, partitions: number): number {
  return addon().partitionOf(key, partitions)
}
