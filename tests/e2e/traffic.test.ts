import { expect, test } from 'vitest'
import { exchange } from '../harness/exchange.js'
import { node, run, startServer } from '../harness/program.js'
import { recordsOf } from '../harness/records.js'
import type { Line, Syscribe } from '../harness/syscribe.js'
import { TestBed } from '../harness/test-bed.js'

// What real programs do to sockets beside one request after another.

const bed = new TestBed('traffic')

async function stopped(syscribe: Syscribe): Promise<Line[]> {
  expect(await syscribe.stop(), syscribe.stderr).toBe(0)
  return syscribe.outputs.lines()
}

/** A profiled client of these lines of JavaScript. */
function client(script: string, ...args: string[]) {
  const env = bed.environment('client')
  return run({ command: process.execPath, args: ['--input-type=module', '-e', script, '--', ...args], env })
}

test('a descriptor of a socket that is closed and used again for a file', { timeout: 60_000 }, async () => {
  const syscribe = await bed.run()
  const echo = await bed.echo()
  const script = `
    import { connect } from 'node:net'
    import { closeSync, openSync, writeSync } from 'node:fs'
    const port = Number(process.argv[1])
    const exchange = (path) => new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1', () => {
        const { fd } = socket._handle
        socket.end('GET ' + path + ' HTTP/1.1\\r\\nHost: a\\r\\nConnection: close\\r\\n\\r\\n')
        socket.resume().on('close', () => resolve(fd))
      })
    })
    const socket = await exchange('/socket/1')
    const file = openSync(process.argv[2], 'w')
    for (let n = 0; n < 50; n++) writeSync(file, 'GET /file HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n')
    closeSync(file)
    const again = await exchange('/socket/2')
    console.log([socket === file, file === again].join())`
  const { stdout } = await client(script, `${echo.port}`, `${syscribe.outputs.directory}/file`)
  expect(stdout.trim(), 'the same descriptor').toBe('true,true')
  await echo.stop()

  const requests = (await stopped(syscribe)).filter((line) => !('status_code' in line))
  expect(requests.map(({ url, direction, complete }) => [url, direction, complete])).toEqual([
    ['/socket/1', 'send', true],
    ['/socket/1', 'recv', true],
    ['/socket/2', 'send', true],
    ['/socket/2', 'recv', true],
  ])
})

test('100,000 connections of a process that did not opt in, while a profiled exchange goes on', {
  timeout: 180_000,
}, async () => {
  const syscribe = await bed.run()
  const echo = await bed.echo()
  const connections = 100_000
  const others = run(node('connections.mjs', `${connections}`))
  let right = 0
  let rounds = 0
  const done = others.then(() => true)
  do {
    right += await bed.client(echo.port, 100)
    rounds++
  } while (!(await Promise.race([done, new Promise((resolve) => setTimeout(() => resolve(false), 10))])))
  expect(Number((await others).stdout)).toBe(connections)
  await echo.stop()

  const lines = await stopped(syscribe)
  expect(right).toBe(rounds * 100)
  for (const direction of ['send', 'recv']) {
    const requests = lines.filter(
      (line) => line.method === 'POST' && !('status_code' in line) && line.direction === direction,
    )
    expect(requests.length).toBe(right)
  }
  expect(lines.filter((line) => 'status_code' in line).length).toBe(2 * right)
  expect(lines.every(({ complete }) => complete === true)).toBe(true)
  // Of the others there is not even a trace.
  expect((await recordsOf(syscribe.outputs.dataDir, 'syscalls', 'ConnectionOpened')).length).toBe(2 * rounds)
  expect(await recordsOf(syscribe.outputs.dataDir, 'syscalls', 'CaptureLoss')).toEqual([])
})

test('two requests of one client open at once: on two connections, and pipelined on one', {
  timeout: 60_000,
}, async () => {
  const syscribe = await bed.run()
  const server = await startServer((port) => ({
    command: process.execPath,
    args: ['-e', slowServer, `${port}`],
    env: bed.environment('server'),
  }))
  bed.atEnd(server.stop)
  const script = `
    import { connect } from 'node:net'
    const port = Number(process.argv[1])
    const get = (path) => 'GET ' + path + ' HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n'
    const talk = (text, answers) => new Promise((resolve) => {
      let got = ''
      const socket = connect(port, '127.0.0.1', () => socket.write(text))
      socket.on('data', (data) => {
        got += data
        if (got.split('answer to').length > answers) socket.end(() => resolve())
      })
    })
    await Promise.all([talk(get('/slow'), 1), talk(get('/fast'), 1)])
    await talk(get('/slow/first') + get('/second') + get('/third'), 3)`
  await client(script, `${server.port}`)
  await server.stop()

  const lines = await stopped(syscribe)
  for (const direction of ['send', 'recv']) {
    const responses = lines.filter((line) => 'status_code' in line && line.direction === direction)
    expect(responses.map(({ url, body }) => [url, body])).toEqual(
      ['/fast', '/slow', '/slow/first', '/second', '/third'].map((url) => [url, `answer to ${url}`]),
    )
    const pipelined = responses.slice(2)
    expect(new Set(pipelined.map(({ connection_id }) => connection_id)).size).toBe(1)
    expect(pipelined.map(({ exchange }) => exchange)).toEqual([0, 1, 2])
  }
  const endpoints = syscribe.outputs.map().services.find(({ name }) => name === 'client')?.endpoints
  expect(endpoints?.map(({ path, count, unanswered }) => [path, count, unanswered ?? 0])).toEqual(
    ['/fast', '/second', '/slow', '/slow/first', '/third'].map((path) => [path, 1, 0]),
  )
})

/** Answers paths with `slow` a while later; each in its turn on a connection, as HTTP/1.1 has it. */
const slowServer = `
  require('node:http').createServer((request, response) => {
    setTimeout(() => response.end('answer to ' + request.url), request.url.includes('slow') ? 300 : 0)
  }).listen(Number(process.argv[1]), '127.0.0.1', () => console.log('listening'))`

const fiveMegabytes = 5 * 1024 * 1024

test.each([
  ['over the capture limit: the length is right, and what is missing is said', '1M'],
  ['under it: byte for byte', '8M'],
])('bodies of 5 MB %s', { timeout: 60_000 }, async (_, limit) => {
  const syscribe = await bed.run({ SYSCRIBE_CAPTURE_LIMIT: limit })
  const echo = await bed.echo()
  const body = Array.from({ length: fiveMegabytes / 8 }, (_, n) => n.toString(36).padStart(7, '0')).join(' ') + ' '
  expect(body.length).toBe(fiveMegabytes)
  await exchange(echo.port, '/large', body)
  await exchange(echo.port, '/next', 'small')
  await echo.stop()

  const lines = await stopped(syscribe)
  expect(lines.map(({ url, direction }) => [url, direction])).toEqual([
    ['/large', 'recv'],
    ['/large', 'send'],
    ['/next', 'recv'],
    ['/next', 'send'],
  ])
  for (const line of lines.slice(0, 2)) {
    const head = Number(line.bytes) - fiveMegabytes
    expect(head).toBeGreaterThan(50)
    expect(head).toBeLessThan(500)
    if (limit === '8M') {
      expect(line.complete).toBe(true)
      expect(line.body === body).toBe(true)
    } else {
      expect([line.complete, line.missing_reason]).toEqual([false, 'capture_cap'])
      const kept = String(line.body)
      expect(body.startsWith(kept)).toBe(true)
      expect(kept.length).toBeGreaterThan(500_000)
      expect(line.missing_bytes).toBe(fiveMegabytes - kept.length)
    }
  }
  expect(lines.slice(2).map(({ body, complete }) => [body, complete])).toEqual([
    ['small', true],
    ['small', true],
  ])
})
