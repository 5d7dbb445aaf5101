import type { KindRecord } from '@syscribe/schemas'

export const boot = Buffer.alloc(16, 7)

export function loss(time: number, records: number): KindRecord<'CaptureLoss'> {
  return { time: Math.round(time * 1000), timeNanos: 0, host: 'a', boot, cause: 'ring_full', records, bytes: 0 }
}

export function exit(time: number, pid: number): KindRecord<'ProcessExited'> {
  return { time: Math.round(time * 1000), timeNanos: 0, host: 'a', boot, pid, processStart: 1 }
}
