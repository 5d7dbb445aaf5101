import type { ProcessKey } from '@syscribe/schemas'

/** The process that a record names. */
export function processKeyOf(record: ProcessKey): ProcessKey {
  return { host: record.host, boot: sharedBoot(record.boot), pid: record.pid, processStart: record.processStart }
}

let latestBoot = Buffer.alloc(0)

/** One buffer for equal boots: a decoded one is a piece of a larger block, which it would keep alive. */
function sharedBoot(boot: Buffer): Buffer {
  if (!boot.equals(latestBoot)) {
    latestBoot = Buffer.allocUnsafeSlow(boot.length)
    boot.copy(latestBoot)
  }
  return latestBoot
}
