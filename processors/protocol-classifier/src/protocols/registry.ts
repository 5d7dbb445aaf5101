import { amqp } from './amqp.js'
import { dns } from './dns.js'
import { http1 } from './http1.js'
import { http2 } from './http2.js'
import { kafka } from './kafka.js'
import { memcached } from './memcached.js'
import { mongodb } from './mongodb.js'
import { mssql } from './mssql.js'
import { mysql } from './mysql.js'
import { nats } from './nats.js'
import { postgres } from './postgres.js'
import type { Protocol } from './protocol.js'
import { redis } from './redis.js'
import { tls } from './tls.js'

/** Every protocol known, in the order they are asked. A new one is one file and one line here. */
export const protocols: readonly Protocol[] = [
  http1,
  tls,
  http2,
  postgres,
  mysql,
  mongodb,
  mssql,
  redis,
  memcached,
  kafka,
  amqp,
  nats,
  dns,
]

const byPort = new Map(protocols.flatMap((protocol) => protocol.ports.map((port) => [port, protocol] as const)))
const byName = new Map(protocols.map((protocol) => [protocol.name, protocol]))

/** The protocol whose usual port this is. */
export function protocolOfPort(port: number): Protocol | undefined {
  return byPort.get(port)
}

export function protocolNamed(name: string): Protocol | undefined {
  return byName.get(name)
}
