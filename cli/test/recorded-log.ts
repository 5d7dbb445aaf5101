import { BatchBuilder, type Log, openEmbeddedLog } from '@syscribe/log'
import { topicSettings } from '@syscribe/runtime'
import { TopicCodec } from '@syscribe/schemas'

const boot = Buffer.from('000102030405060708090a0b0c0d0e0f', 'hex')
const begin = Date.parse('2026-11-23T10:00:00Z')
const process = { host: 'box', boot, pid: 42, processStart: 5 }
const request = Buffer.from('GET /hello HTTP/1.1\r\nHost: reviews:9080\r\n\r\n')
const response = Buffer.from('HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{"a":"b"}')

/** Writes a log as a collector would have: one process that makes one HTTP exchange. */
export async function recordLog(path: string): Promise<void> {
  const log = await openEmbeddedLog({ path })
  try {
    await recordInto(log)
  } finally {
    await log.close()
  }
}

/**
 * The same into a log that is open.
 * @param final whether capture has ended then
 */
export async function recordInto(log: Log, { partitions = 1, final = true } = {}): Promise<void> {
  const producer = await log.producer()
  try {
    await log.createTopics(topicSettings({ retentionBytes: null, retentionMs: null, partitions }))
    const append = async <T extends 'syscalls' | 'processes' | 'containers'>(
      topic: T,
      records: { at: number; key: Buffer; value: Buffer }[],
    ) => {
      const codec = new TopicCodec(topic)
      const batch = new BatchBuilder(await log.registerSchema(topic, codec.schema))
      for (const { at, key, value } of records) batch.append({ timestamp: begin + at, key, value })
      const end = { ...moment(5000), host: 'box', boot, final }
      const watermark = (codec as unknown as TopicCodec<'processes'>).encode('Watermark', end)
      batch.append({ timestamp: begin + 5000, key: Buffer.from('watermark'), value: watermark })
      await producer.append([{ topic, partition: 0, batch: batch.take() }])
    }
    const seen = new TopicCodec('processes').encode('ProcessSeen', {
      ...process,
      ...moment(0),
      reason: 'exec',
      parentPid: 1,
      comm: 'curl',
      cmdline: Buffer.from('curl\0http://reviews:9080/hello\0'),
      cgroup: '',
      profile: 'local',
      profileName: 'caller',
      environment: Buffer.from('ADI_PROFILE=local\0'),
      environmentError: null,
      hosts: [],
    })
    await append('processes', [{ at: 0, key: Buffer.from('42'), value: seen }])
    await append('syscalls', [io(1, 'send', request), io(2, 'recv', response)])
    await append('containers', [])
  } finally {
    await producer.close()
  }
}

function moment(at: number): { time: number; timeNanos: number } {
  return { time: (begin + at) * 1000, timeNanos: 0 }
}

function io(at: number, direction: 'send' | 'recv', payload: Buffer): { at: number; key: Buffer; value: Buffer } {
  const connection = Buffer.from('0102030405060708', 'hex')
  const value = new TopicCodec('syscalls').encode('SocketIo', {
    ...process,
    ...moment(at),
    connection,
    direction,
    role: 'client',
    cookie: 7,
    position: 0,
    length: payload.length,
    missing: 'none',
    layer: 'socket',
    joinedLate: false,
    transport: 'tcp',
    localAddress: Buffer.from([10, 0, 0, 1]),
    localPort: 40000,
    remoteAddress: Buffer.from([10, 0, 0, 2]),
    remotePort: 9080,
    netns: 1,
    payload,
  })
  return { at, key: connection, value }
}
