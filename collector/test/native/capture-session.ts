import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type ConnectionClosed, type ConnectionOpened, type SocketIo, TopicCodec } from '@syscribe/schemas'
import {
  type Capture,
  type CaptureOptions,
  checkKernel,
  type Hook,
  type Loss,
  openCapture,
  type ProcessEvent,
} from '../../src/native.js'

/** Builds the addon and the BPF object when their sources are newer. */
export function buildNative(): void {
  const folder = fileURLToPath(new URL('../../', import.meta.url))
  mkdirSync(`${folder}build`, { recursive: true })
  // Test files run at the same time.
  execFileSync('flock', ['build/lock', 'make', '-s'], { cwd: folder, stdio: 'pipe' })
}

/** The hooks this kernel has. Call `buildNative` before. */
export function hooksHere(): Hook[] {
  const { checks } = checkKernel()
  const all: Hook[] = ['socket', 'function', 'syscall']
  return all.filter((hook) => checks.some(({ name, ok }) => name === `programs_${hook}` && ok))
}

export const boot = Buffer.from(
  readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim().replaceAll('-', ''),
  'hex',
)

const codec = new TopicCodec('syscalls')

/** A capture that is read all the time, its records decoded. */
export class CaptureSession {
  readonly capture: Capture
  readonly io: SocketIo[] = []
  readonly opened: ConnectionOpened[] = []
  readonly closed: ConnectionClosed[] = []
  readonly processes: ProcessEvent[] = []
  readonly losses: Loss[] = []
  /** Everything as it came out: batches, and process events as JSON. */
  readonly raw: Buffer[] = []
  readonly watermarks: number[] = []
  #reading: Promise<void>
  #stopped = false

  constructor(options: Partial<CaptureOptions> = {}) {
    this.capture = openCapture({ host: 'test-host', boot, ringBytes: 1 << 24, drainNice: 0, ...options })
    this.#reading = this.#read()
  }

  async #read(): Promise<void> {
    while (!this.#stopped) {
      const delivery = await this.capture.read(100)
      for (const { batch } of delivery.batches) {
        this.raw.push(batch.buffer)
        for (const { value } of batch) {
          const record = codec.decode(value as Buffer)
          if (record.kind === 'SocketIo') this.io.push(record.value)
          else if (record.kind === 'ConnectionOpened') this.opened.push(record.value)
          else if (record.kind === 'ConnectionClosed') this.closed.push(record.value)
        }
      }
      for (const event of delivery.processes) {
        this.processes.push(event)
        if (event.kind === 'seen') {
          if (event.environment) this.raw.push(event.environment)
          if (event.cmdline) this.raw.push(event.cmdline)
        }
        this.raw.push(Buffer.from(JSON.stringify(event)))
      }
      this.losses.push(...delivery.losses)
      this.watermarks.push(delivery.watermark.time * 1000 + delivery.watermark.timeNanos)
    }
  }

  /** What one process moved in one direction, joined by position; throws where bytes are missing or twice. */
  stream(pid: number, direction: 'send' | 'recv'): Buffer {
    let position = 0
    const parts: Buffer[] = []
    for (const record of this.ofProcess(pid)) {
      if (record.direction !== direction) continue
      if (record.position !== position) throw new Error(`at ${record.position}, expected ${position}`)
      if (record.length !== record.payload.length) throw new Error(`${record.missing} at ${record.position}`)
      position += record.length
      parts.push(record.payload)
    }
    return Buffer.concat(parts)
  }

  ofProcess(pid: number): SocketIo[] {
    return this.io.filter((record) => record.pid === pid)
  }

  flush(): Promise<unknown> {
    return this.capture.flush()
  }

  async close(): Promise<void> {
    this.#stopped = true
    await this.#reading
    this.capture.close()
  }
}
