import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, connect, createServer, type Server } from 'node:net'
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { run } from '../harness/program.js'
import { type Line, Syscribe } from '../harness/syscribe.js'

// Corners of HTTP/1.1 through the whole line. The clients are profiled, the servers, in this process, are not: so each
// message is one line, and what the client tells of itself is what must stand there.

const profile = `http-${process.pid}`
const servers: Server[] = []
const ports = { node: 0, ipv6: 0, closing: 0 }
const text = 'Worte, words, mots. '.repeat(40)
let syscribe: Syscribe
/** Checked at the end, when everything is written. */
const checks: { name: string; check: (lines: Line[]) => void }[] = []

beforeAll(async () => {
  const node = createHttpServer(answer)
  node.on('checkContinue', (request, response) => {
    response.writeContinue()
    answer(request, response)
  })
  node.on('upgrade', (_, socket) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n')
    socket.on('data', (frame) => socket.write(frame)).on('error', () => {})
  })
  node.on('connect', (request, socket) => {
    const [host, port] = String(request.url).split(':')
    const through = connect(Number(port), host, () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
      socket.pipe(through).pipe(socket)
    })
    for (const end of [socket, through]) end.on('error', () => {})
  })
  ports.node = await listen(node, '127.0.0.1')
  ports.ipv6 = await listen(createHttpServer(answer), '::1')
  const closing = createServer((socket) => {
    socket
      .on('error', () => {})
      .once('data', () => socket.end(`HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\n${text}`))
  })
  ports.closing = await listen(closing, '127.0.0.1')
  syscribe = await Syscribe.start({ ADI_PROFILE_ALLOWED: profile })
}, 60_000)
afterAll(async () => {
  for (const server of servers) server.close()
  await syscribe?.dispose()
})

async function listen(server: Server, host: string): Promise<number> {
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, host, resolve))
  return (server.address() as AddressInfo).port
}

const codings: Record<string, (data: Buffer) => Buffer> = {
  gzip: gzipSync,
  deflate: deflateSync,
  br: brotliCompressSync,
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const [, what = '', detail = ''] = String(request.url).split('/')
  const coding = codings[detail]
  if (what === 'trailers') {
    response.writeHead(200, { 'Content-Type': 'text/plain', Trailer: 'X-Sum' })
    response.write('first, ')
    response.write('second')
    response.addTrailers({ 'X-Sum': '42' })
    response.end()
  } else if (what === 'coded' && coding !== undefined) {
    response.writeHead(200, { 'Content-Type': 'text/plain', 'Content-Encoding': detail })
    response.end(coding(Buffer.from(text)))
  } else if (what === 'status') response.writeHead(Number(detail)).end()
  else
    response
      .setHeader('Content-Type', 'text/plain')
      .end(chunks.length > 0 ? Buffer.concat(chunks) : `answer to ${request.url}`)
}

/** What curl says of one transfer. */
interface Told {
  output: string
  local_port: number
  remote_port: number
  local_ip: string
  size_request: number
  size_upload: number
  size_header: number
  size_download: number
  from: number
  to: number
  pid: number
}

/** A profiled curl. */
async function curl(...args: string[]): Promise<Told> {
  const from = Date.now()
  const { stdout, pid } = await run({
    command: 'curl',
    args: ['--silent', '--max-time', '20', '--write-out', '\\n%{json}', ...args],
    env: { ADI_PROFILE: profile, ADI_PROFILE_NAME: 'curl' },
  })
  const at = stdout.lastIndexOf('\n')
  return { ...JSON.parse(stdout.slice(at + 1)), output: stdout.slice(0, at), from, to: Date.now(), pid }
}

/** The lines of one client connection. */
function linesOf(lines: readonly Line[], { local_port }: { local_port: number }): Line[] {
  return lines.filter(({ source_port, dest_port }) => source_port === local_port || dest_port === local_port)
}

/** Request and response of a curl, in agreement with what it says itself. */
function pairOf(lines: readonly Line[], told: Told): [Line, Line] {
  const found = linesOf(lines, told)
  expect(found.map(({ direction }) => direction)).toEqual(['send', 'recv'])
  const [request, response] = found as [Line, Line]
  const { local_ip, local_port, remote_port } = told
  expect(request).toMatchObject({
    source_ip: local_ip,
    source_port: local_port,
    dest_ip: local_ip,
    dest_port: remote_port,
  })
  expect(response).toMatchObject({
    source_ip: local_ip,
    source_port: remote_port,
    dest_ip: local_ip,
    dest_port: local_port,
  })
  for (const line of found) {
    expect([line.complete, line.pid, line.source_service ?? line.destination_service]).toEqual([
      true,
      told.pid,
      expect.anything(),
    ])
    const time = Date.parse(String(line.timestamp))
    expect(time).toBeGreaterThanOrEqual(told.from - 1)
    expect(time).toBeLessThanOrEqual(told.to + 1)
  }
  // Of a chunked request curl counts what it was given to send, not what it sent.
  const chunked = /chunked/i.test(JSON.stringify(request.headers))
  expect(request.bytes).toBe(chunked ? String(request.raw_payload).length : told.size_request + told.size_upload)
  expect(response.method).toBe(request.method)
  expect(response.url).toBe(request.url)
  expect(response.connection_id).toBe(request.connection_id)
  return [request, response]
}

function later(name: string, check: (lines: Line[]) => void): void {
  checks.push({ name, check })
}

test('a plain exchange, as the client tells it', async () => {
  const told = await curl(`http://127.0.0.1:${ports.node}/plain`)
  later('plain', (lines) => {
    const [request, response] = pairOf(lines, told)
    expect([request.method, request.url, request.http_version]).toEqual(['GET', '/plain', '1.1'])
    expect([response.status_code, response.body]).toEqual([200, 'answer to /plain'])
    expect(response.bytes).toBe(told.size_header + told.size_download)
  })
})

test('a chunked request, and a chunked response with trailers', async () => {
  const sent = await curl('-H', 'Transfer-Encoding: chunked', '-d', text, `http://127.0.0.1:${ports.node}/sent`)
  expect(sent.output).toBe(text)
  const received = await curl(`http://127.0.0.1:${ports.node}/trailers`)
  later('chunked', (lines) => {
    expect(pairOf(lines, sent).map(({ body }) => body)).toEqual([text, text])
    const [, response] = pairOf(lines, received)
    expect(response.body).toBe('first, second')
    expect(String(response.raw_payload)).toContain('0\r\nX-Sum: 42\r\n\r\n')
  })
})

test.each(Object.keys(codings))('a body in %s', async (coding) => {
  const told = await curl('--compressed', `http://127.0.0.1:${ports.node}/coded/${coding}`)
  later(coding, (lines) => {
    const [, response] = pairOf(lines, told)
    expect(response.body).toBe(text)
    expect(response.headers).toMatchObject({ 'Content-Encoding': coding })
    expect(response.bytes).toBeLessThan(text.length)
  })
})

test('responses without a body: to HEAD, 204, 304', async () => {
  const url = `http://127.0.0.1:${ports.node}`
  const head = await curl('--head', '--output', '/dev/null', `${url}/head`)
  const none = await curl(`${url}/status/204`)
  const same = await curl(`${url}/status/304`)
  later('no body', (lines) => {
    for (const [told, status, method] of [
      [head, 200, 'HEAD'],
      [none, 204, 'GET'],
      [same, 304, 'GET'],
    ] as const) {
      const [request, response] = pairOf(lines, told)
      expect([request.method, response.status_code]).toEqual([method, status])
      expect(response.body ?? '').toBe('')
      expect(response.bytes).toBe(told.size_header)
    }
  })
})

test('100-continue, on a connection that is kept', async () => {
  const url = `http://127.0.0.1:${ports.node}`
  const args = [
    '--silent',
    '-H',
    'Expect: 100-continue',
    '-d',
    text,
    `${url}/continued`,
    '--next',
    '--silent',
    `${url}/next`,
  ]
  const told = await run({ command: 'curl', args, env: { ADI_PROFILE: profile, ADI_PROFILE_NAME: 'curl' } })
  expect(told.stdout).toBe(`${text}answer to /next`)
  later('100-continue', (lines) => {
    const found = lines.filter(({ pid }) => pid === told.pid)
    const statuses = found.filter((line) => 'status_code' in line).map(({ status_code, url }) => [status_code, url])
    expect(statuses).toEqual([
      [100, '/continued'],
      [200, '/continued'],
      [200, '/next'],
    ])
    expect(new Set(found.map(({ connection_id }) => connection_id)).size).toBe(1)
    expect(
      found.filter((line) => !('status_code' in line)).map(({ url, body, exchange }) => [url, body ?? '', exchange]),
    ).toEqual([
      ['/continued', text, 0],
      ['/next', '', 1],
    ])
  })
})

test('IPv6', async () => {
  const told = await curl(`http://[::1]:${ports.ipv6}/six`)
  later('IPv6', (lines) => {
    expect(told.local_ip).toBe('::1')
    expect(pairOf(lines, told)[1].body).toBe('answer to /six')
  })
})

test('HTTP/1.0, its body ended by the close', async () => {
  const told = await curl('--http1.0', `http://127.0.0.1:${ports.closing}/old`)
  expect(told.output).toBe(text)
  later('HTTP/1.0', (lines) => {
    const [request, response] = pairOf(lines, told)
    expect([request.http_version, response.http_version]).toEqual(['1.0', '1.0'])
    expect(response.body).toBe(text)
    expect(response.bytes).toBe(told.size_header + told.size_download)
  })
})

test('CONNECT: what goes through the tunnel is not HTTP of this connection', async () => {
  const proxy = `http://127.0.0.1:${ports.node}`
  const told = await curl('--proxytunnel', '--proxy', proxy, '-d', text, `${proxy}/through`)
  expect(told.output).toBe(text)
  later('CONNECT', (lines) => {
    const found = lines.filter(({ pid }) => pid === told.pid)
    expect(found.map(({ method, url, status_code }) => [method, url, status_code])).toEqual([
      ['CONNECT', `127.0.0.1:${ports.node}`, undefined],
      ['CONNECT', `127.0.0.1:${ports.node}`, 200],
    ])
  })
})

/** A profiled client that sends one text, then each other when what came for the one before has ended. */
async function raw(port: number, texts: readonly string[]): Promise<{ pid: number; local_port: number }> {
  const script = `
    const [port, ...texts] = process.argv.slice(1)
    const socket = require('node:net').connect(Number(port), '127.0.0.1', () => socket.write(texts.shift()))
    const local = () => console.log(socket.localPort)
    const next = () => (texts.length > 0 ? socket.write(texts.shift()) : (local(), socket.destroy()))
    let quiet
    socket.on('data', () => {
      clearTimeout(quiet)
      quiet = setTimeout(next, 300)
    })`
  const { stdout, pid } = await run({
    command: process.execPath,
    args: ['-e', script, `${port}`, ...texts],
    env: { ADI_PROFILE: profile, ADI_PROFILE_NAME: 'raw' },
  })
  return { pid, local_port: Number(stdout.trim().split('\n')[0]) }
}

test('an upgraded connection: its frames are not HTTP', async () => {
  const upgrade = 'GET /socket HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'
  const told = await raw(ports.node, [upgrade, 'GET /frame HTTP/1.1\r\nHost: a\r\n\r\n'])
  later('upgrade', (lines) => {
    expect(linesOf(lines, told).map(({ url, status_code, complete }) => [url, status_code, complete])).toEqual([
      ['/socket', undefined, true],
      ['/socket', 101, true],
    ])
  })
})

test('requests sent ahead of their answers, cut anywhere', async () => {
  const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`
  const told = await raw(ports.node, [`${get('/a')}${get('/b')}GET /`, `c HTTP/1.1\r\nHost: a\r\n\r\n${get('/d')}`])
  later('pipelined', (lines) => {
    const found = linesOf(lines, told)
    for (const direction of ['send', 'recv']) {
      const messages = found.filter((line) => line.direction === direction)
      expect(messages.map(({ url, exchange, complete }) => [url, exchange, complete])).toEqual(
        ['/a', '/b', '/c', '/d'].map((url, exchange) => [url, exchange, true]),
      )
    }
    expect(found.filter((line) => 'status_code' in line).map(({ body }) => body)).toEqual(
      ['/a', '/b', '/c', '/d'].map((url) => `answer to ${url}`),
    )
  })
})

test('all of it stands in the log', { timeout: 60_000 }, async () => {
  expect(await syscribe.stop(), syscribe.stderr).toBe(0)
  const lines = syscribe.outputs.lines()
  const failed = checks.flatMap(({ name, check }) => {
    try {
      check(lines)
      return []
    } catch (error) {
      return [`${name}: ${error instanceof Error ? error.message : error}`]
    }
  })
  expect(failed).toEqual([])
  expect(checks.length).toBe(12)
})
