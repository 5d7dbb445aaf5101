import { expect, test } from 'vitest'
import { bodyOf, place, Run, startTime } from './run.js'

const ask = 'POST /echo?x=1 HTTP/1.1\r\nHost: example.test\r\nContent-Length: 5\r\n\r\nhello'
const answer = 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 6\r\n\r\nhello!'

test('a request and its response, as the client has them', () => {
  const run = new Run()
  run.opened('client')
  run.send('client', ask)
  run.receive('client', answer)
  const { host, boot, pid, processStart, cookie, netns } = place('client')
  const shared = {
    connection: run.connection,
    role: 'client',
    exchange: 0,
    ordinal: 0,
    timeNanos: 7,
    cookie,
    netns,
    process: { host, boot, pid, processStart },
    peer: null,
    complete: true,
    missingBytes: 0,
    missingReason: null,
    version: '1.1',
    method: 'POST',
    url: '/echo?x=1',
    trailers: [],
    body: null,
    bodyError: null,
  }
  expect(run.messages).toEqual([
    {
      ...shared,
      kind: 'request',
      direction: 'send',
      time: startTime + 20,
      endTime: startTime + 20,
      sourceAddress: '10.0.0.1',
      sourcePort: 40_000,
      destinationAddress: '10.0.0.2',
      destinationPort: 80,
      length: ask.length,
      status: null,
      headers: [
        { name: 'Host', value: 'example.test' },
        { name: 'Content-Length', value: '5' },
      ],
      bodyStart: ask.length - 5,
      raw: Buffer.from(ask),
    },
    {
      ...shared,
      kind: 'response',
      direction: 'recv',
      time: startTime + 30,
      endTime: startTime + 30,
      sourceAddress: '10.0.0.2',
      sourcePort: 80,
      destinationAddress: '10.0.0.1',
      destinationPort: 40_000,
      length: answer.length,
      status: 200,
      headers: [
        { name: 'Content-Type', value: 'text/plain' },
        { name: 'Content-Length', value: '6' },
      ],
      bodyStart: answer.length - 6,
      raw: Buffer.from(answer),
    },
  ])
  expect(run.timestamps).toEqual([Math.floor(startTime / 1000), Math.floor(startTime / 1000)])
})

test('both ends of a connection name each other', () => {
  const run = new Run()
  run.opened('client')
  run.opened('server')
  run.send('client', ask)
  run.receive('server', ask)
  run.send('server', answer)
  run.receive('client', answer)
  expect(run.messages.map(({ kind, role, process, peer }) => [kind, role, process.pid, peer?.pid])).toEqual([
    ['request', 'client', 101, 202],
    ['request', 'server', 202, 101],
    ['response', 'server', 202, 101],
    ['response', 'client', 101, 202],
  ])
})

test('a socket handed to another process: a message belongs to who had its first byte', () => {
  const run = new Run()
  run.opened('server')
  run.receive('server', ask.slice(0, 30))
  run.receive('server', ask.slice(30), { pid: 303, processStart: 3003 })
  run.send('server', answer, { pid: 303, processStart: 3003 })
  expect(run.messages.map(({ process }) => process.pid)).toEqual([202, 303])
  expect(run.messages.map(bodyOf)).toEqual(['hello', 'hello!'])
})

test('a message in many pieces has the time of its first byte and of its last', () => {
  const run = new Run()
  run.opened('client')
  for (const octet of ask) run.send('client', octet)
  const [message] = run.messages
  expect(message).toMatchObject({ time: startTime + 20, endTime: startTime + 10 + 10 * ask.length, length: ask.length })
  expect(message?.raw.toString()).toBe(ask)
})

test('a connection forgotten leaves nothing behind', () => {
  const run = new Run()
  run.opened('client')
  run.send('client', ask)
  run.receive('client', answer)
  expect(run.state.size).toBe(1)
  run.closed('client')
  run.pass()
  expect(run.state.size).toBe(0)
  expect(run.messages).toHaveLength(2)
})
