import { describe, expect, test } from 'vitest'
import { readDnsMessage } from '../src/dns/message.js'
import { takeDnsFrames } from '../src/dns/tcp-frames.js'
import { Harness, t0 } from './harness.js'

const question = '076578616d706c65047465737400'
const query = bytes(`abcd01000001000000000000 ${question} 00010001`)
/** A CNAME to db.example.test, its A record, and two AAAA records, one of them twice. */
const answer = bytes(
  `abcd81800001000500000000 ${question} 00010001`,
  'c00c 0005 0001 0000003c 0005 026462 c00c',
  'c02a 0001 0001 0000003c 0004 c0000201',
  'c02a 001c 0001 0000003c 0010 20010db8000000000000000000000001',
  'c02a 001c 0001 0000003c 0010 20010db8000000000000000000000002',
  'c02a 0001 0001 0000003c 0004 c0000201',
)
const addresses = ['192.0.2.1', '2001:db8::1', '2001:db8::2']

describe('a message', () => {
  test('gives its name and its addresses through aliases', () => {
    expect(readDnsMessage(query)).toEqual({ response: false, code: 0, name: 'example.test', addresses: [] })
    expect(readDnsMessage(answer)).toEqual({ response: true, code: 0, name: 'example.test', addresses })
  })

  test('cut anywhere gives what came before, and never throws', () => {
    for (let length = 0; length < answer.length; length++) {
      const read = readDnsMessage(answer.subarray(0, length))
      if (length < 12) expect(read).toBeNull()
      else expect(addresses.slice(0, read?.addresses.length)).toEqual(read?.addresses)
    }
  })

  test('that breaks the rules is none', () => {
    const broken = (at: number, byte: number): Buffer => {
      const changed = Buffer.from(query)
      changed[at] = byte
      return changed
    }
    expect(readDnsMessage(broken(5, 2))).toBeNull()
    expect(readDnsMessage(broken(2, 0x31))).toBeNull()
    expect(readDnsMessage(broken(12, 0x47))).toBeNull()
    // A name that points at itself.
    expect(readDnsMessage(bytes('abcd01000001000000000000 c00c 0001 0001'))).toBeNull()
    // Labels of 63 that add up to more than 255.
    const long = `${'3f'.padEnd(128, '61')}`.repeat(5)
    expect(readDnsMessage(bytes(`abcd01000001000000000000 ${long} 00 0001 0001`))).toBeNull()
  })

  test('with odd bytes in a name has them escaped', () => {
    expect(readDnsMessage(bytes('abcd01000001000000000000 04612e0062 00 0001 0001'))?.name).toBe('a\\.\\000b')
  })
})

describe('names of a process', () => {
  const udp = { port: 53, transport: 'udp' } as const
  const expected = {
    time: (t0 + 7) * 1000 + 5,
    timeNanos: 6,
    process: { host: 'h1', boot: Buffer.alloc(16, 0xb0), pid: 500, processStart: 9000 },
    name: 'example.test',
    addresses,
  }

  test('come from its answers over UDP', () => {
    const h = new Harness()
    const end = h.end(udp).opened().send(query)
    h.time += 7
    end.receive(answer).closed()
    expect(h.connections).toMatchObject([
      {
        protocol: 'dns',
        transport: 'udp',
        category: 'other',
        confidence: 90,
        reason: 'port 53, DNS query for example.test',
      },
    ])
    expect(h.emitted.filter(({ kind }) => kind === 'NameAnswer')).toEqual([
      { topic: 'names', kind: 'NameAnswer', key: `h1/${'b0'.repeat(16)}/500/9000`, timestamp: t0 + 7, value: expected },
    ])
    expect(h.ends).toMatchObject([{ protocol: 'dns', sent: query.length, received: answer.length }])
  })

  test('also when the query was not seen', () => {
    const h = new Harness()
    h.time += 7
    h.end(udp).receive(answer)
    expect(h.names).toEqual([expected])
  })

  test('come from TCP, two answers in one read, or byte by byte with a crash between', () => {
    const framed = Buffer.concat([Buffer.from([0, answer.length]), answer])
    const whole = new Harness()
    whole
      .end({ port: 53 })
      .opened()
      .send(Buffer.concat([Buffer.from([0, query.length]), query]))
      .receive(Buffer.concat([framed, framed]))
    expect(whole.connections).toMatchObject([{ protocol: 'dns', transport: 'tcp' }])
    expect(whole.names.map(({ name }) => name)).toEqual(['example.test', 'example.test'])

    const split = new Harness()
    const end = split.end({ port: 53 }).opened()
    for (const byte of Buffer.concat([framed, framed])) {
      end.receive(Buffer.from([byte]))
      split.restart()
    }
    expect(split.names.map((each) => each.addresses)).toEqual([addresses, addresses])
  })

  test('do not come from what a server answers, from failures, or from other ports', () => {
    const h = new Harness()
    h.end({ ...udp, role: 'server' })
      .opened()
      .receive(query)
      .send(answer)
    const failure = Buffer.from(answer)
    failure[3] = 0x83
    h.end({ ...udp, connection: 'ffffffff00000000', cookie: 9 })
      .opened()
      .send(query)
      .receive(failure)
    h.end({ port: 5353, transport: 'udp', connection: 'eeeeeeee00000000', cookie: 8 })
      .opened()
      .send(query)
      .receive(answer)
    expect(h.names).toEqual([])
  })
})

test('UDP sockets that spoke to nobody leave no record', () => {
  const h = new Harness()
  h.end({ port: 53, transport: 'udp' }).opened().closed()
  h.end({ port: 53, transport: 'udp', cookie: 9 }).opened()
  h.watermark(t0 + 1_000_000, true)
  expect(h.emitted).toEqual([])
})

test('a hole in a TCP stream costs the message it fell into only', () => {
  const frames = { pending: Buffer.alloc(0), next: 0 }
  const message = Buffer.from([0, 3, 1, 2, 3])
  expect(takeDnsFrames(frames, 0, 5, message)).toEqual([message.subarray(2)])
  expect(takeDnsFrames(frames, 5, 2, message.subarray(0, 2))).toEqual([])
  expect(takeDnsFrames(frames, 10, 5, message)).toEqual([message.subarray(2)])
  expect(takeDnsFrames(frames, 15, 5, message.subarray(0, 3))).toEqual([])
  expect(takeDnsFrames(frames, 20, 5, message)).toEqual([message.subarray(2)])
})

function bytes(...hex: string[]): Buffer {
  return Buffer.from(hex.join('').replaceAll(' ', ''), 'hex')
}
