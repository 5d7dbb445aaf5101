import type { KindRecord } from '@syscribe/schemas'

export const boot = Buffer.alloc(16, 7)

export function loss(time: number, records: number, host = 'a'): KindRecord<'CaptureLoss'> {
  return { time: Math.round(time * 1000), timeNanos: 0, host, boot, cause: 'ring_full', records, bytes: 0 }
}

export function exit(time: number, pid: number, host = 'a'): KindRecord<'ProcessExited'> {
  return { time: Math.round(time * 1000), timeNanos: 0, host, boot, pid, processStart: 1 }
}
