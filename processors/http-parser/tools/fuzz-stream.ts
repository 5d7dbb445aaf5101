import type { Output } from '@syscribe/runtime'
import { type HttpMessage, TopicCodec } from '@syscribe/schemas'
import type { Direction } from '../src/direction.js'
import { Endpoint } from '../src/endpoint.js'
import { limits } from '../src/index.js'
import { MessageEncoder } from '../src/message-encoder.js'
import { Reassembly } from '../src/reassembly.js'
import { connectionFormat } from '../src/state-format.js'
import { StreamParser } from '../src/stream-parser.js'

const http = new TopicCodec('http')
const room = Buffer.alloc(8 << 20)

/** What one fuzzed connection gave. */
export interface Outcome {
  messages: number
  /** Bytes of the state when it was largest. */
  stateBytes: number
}

/**
 * Plays two streams through a connection the hard way: cut anywhere, pieces lost, cut short, doubled and out of order,
 * the state written and read back now and then, the connection joined late or not.
 *
 * @param next random numbers from 0 to 1: the same give the same play.
 * @param decode whether to read each record back; it throws when one is not valid or does not add up.
 */
export function fuzzStream(sent: Buffer, received: Buffer, next: () => number, decode: boolean): Outcome {
  let messages = 0
  const out: Output = {
    emit: () => {},
    emitEncoded: (_topic, _key, _timestamp, sizeHint, write) => {
      messages++
      if (sizeHint > room.length) throw new Error(`a record of ${sizeHint} bytes`)
      const end = write(room, 0)
      if (end < 0 || end > sizeHint) throw new Error('the size hint does not hold')
      if (decode) check(http.decode(room.subarray(0, end)).value as HttpMessage)
    },
  }
  const encoder = new MessageEncoder()
  encoder.out = out
  const reassembly = new Reassembly(new StreamParser(encoder))
  let endpoint = newEndpoint(next() < 0.15, next() < 0.1)
  let stateBytes = 0
  const seen = { time: 1_700_000_000_000_000, timeNanos: 0, pid: 1, processStart: 1 }
  const tidy = next() < 0.5
  const cursor = [0, 0]
  const streams = [sent, received]
  while ((cursor[0] as number) < sent.length || (cursor[1] as number) < received.length) {
    const way =
      (cursor[0] as number) < sent.length && ((cursor[1] as number) >= received.length || next() < 0.6) ? 0 : 1
    const stream = streams[way] as Buffer
    const most = next() < 0.3 ? 8 : next() < 0.5 ? 200 : stream.length
    const start = cursor[way] as number
    const end = Math.min(stream.length, start + 1 + Math.floor(next() * most))
    cursor[way] = end
    const direction = way === 0 ? endpoint.send : endpoint.receive
    seen.time += Math.floor(next() * (tidy ? 100 : 300_000))
    take(direction, stream, start, end, tidy)
    if (next() < 0.02) {
      const state = connectionFormat.encode({ endpoints: [endpoint], touched: 0 })
      stateBytes = Math.max(stateBytes, state.length)
      endpoint = connectionFormat.decode(Buffer.from(state)).endpoints[0] as Endpoint
    }
  }
  for (const direction of [endpoint.send, endpoint.receive]) {
    const total = direction === endpoint.send ? sent.length : received.length
    reassembly.finish(endpoint, direction, total, 'connection_closed', seen)
  }
  return { messages, stateBytes }

  function take(direction: Direction, stream: Buffer, from: number, to: number, whole: boolean): void {
    const fate = whole ? 1 : next()
    if (fate < 0.05) return
    let start = from
    let end = to
    if (fate < 0.08) end = start + ((end - start) >> 1)
    else if (fate < 0.12) start = Math.max(0, start - 20)
    else if (fate < 0.15) [start, end] = [Math.min(stream.length, to + 5), Math.min(stream.length, to + 50)]
    if (direction.next < 0) direction.next = start
    const gap = fate < 0.08 ? to - end : 0
    reassembly.take(
      endpoint,
      direction,
      { position: start, bytes: stream, start, end, gap, reason: 'capture_cap' },
      seen,
    )
  }
}

function check({ length, raw, missingBytes, complete, missingReason, bodyStart }: HttpMessage): void {
  if (raw.length + missingBytes !== length) throw new Error('captured and missing bytes are not the length')
  if (complete !== (missingReason === null)) throw new Error('complete, and a reason why not')
  if (complete && missingBytes !== 0) throw new Error('complete, and bytes missing')
  if (bodyStart > raw.length) throw new Error('the body begins behind the end')
  if (raw.length > limits.messageBytes) throw new Error('more kept than the limit')
}

function newEndpoint(joinedLate: boolean, roleUnknown: boolean): Endpoint {
  const process = { host: 'h', boot: Buffer.alloc(16), pid: 1, processStart: 1 }
  const endpoint = new Endpoint(Buffer.alloc(8), 1, 'socket', process)
  const address = Buffer.from([10, 0, 0, 1])
  const role = roleUnknown ? 'unknown' : 'client'
  endpoint.setPlace({ role, netns: 1, localAddress: address, localPort: 1, remoteAddress: address, remotePort: 2 })
  if (joinedLate) endpoint.joinLate()
  else if (roleUnknown) endpoint.search()
  return endpoint
}
