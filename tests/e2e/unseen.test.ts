import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { freePort, programs, run, startServer } from '../harness/program.js'
import { recordsOf } from '../harness/records.js'
import { TestBed } from '../harness/test-bed.js'

// What cannot be read is a fact of its connection all the same: TLS, sendfile, and UDP, of which only the peers are kept.

const bed = new TestBed('unseen')

test('TLS, sendfile and UDP are told with their ends and sizes, and no byte that could not be seen', {
  timeout: 60_000,
}, async () => {
  const outputs = bed.outputs()
  const at = (name: string) => join(outputs.directory, name)
  const subject = ['-subj', '/CN=secure.test', '-days', '1', '-keyout', at('key.pem'), '-out', at('cert.pem')]
  execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', ...subject], { stdio: 'ignore' })
  writeFileSync(at('file'), 'z'.repeat(50_000))
  const syscribe = await bed.run({}, outputs)

  const secure = await startServer((port) => ({
    command: process.execPath,
    args: [
      '-e',
      `const { readFileSync } = require('node:fs')
       const [key, cert] = [readFileSync(process.argv[1]), readFileSync(process.argv[2])]
       require('node:https').createServer({ key, cert }, (_, response) => response.end('hidden' + ' by TLS'))
         .listen(${port}, '127.0.0.1', () => console.log('listening'))`,
      at('key.pem'),
      at('cert.pem'),
    ],
    env: bed.environment('secure-server'),
  }))
  bed.atEnd(secure.stop)
  const resolved = ['--resolve', `secure.test:${secure.port}:127.0.0.1`, `https://secure.test:${secure.port}/`]
  const overTls = await run({ command: 'curl', args: ['-sk', ...resolved], env: bed.environment('secure-client') })
  expect(overTls.stdout).toBe('hidden by TLS')

  const files = await startServer((port) => ({
    command: 'python3',
    args: [`${programs}sendfile_server.py`, `${port}`, at('file')],
    env: bed.environment('file-server'),
  }))
  bed.atEnd(files.stop)
  expect((await run({ command: 'curl', args: ['-s', `http://127.0.0.1:${files.port}/file`] })).stdout).toHaveLength(
    50_000,
  )

  const udpPort = await freePort()
  const datagram = `const socket = require('node:dgram').createSocket('udp4')
    socket.send('a datagram', ${udpPort}, '127.0.0.1', () => socket.close())`
  await run({ command: process.execPath, args: ['-e', datagram], env: bed.environment('udp-client') })
  expect(await syscribe.stop(), syscribe.stderr).toBe(0)

  const lines = outputs.lines()
  expect(lines.filter(({ dest_port }) => dest_port === secure.port)).toMatchObject(
    ['send', 'recv'].map((direction) => ({
      event_type: 'connection',
      direction,
      protocol: 'tls',
      server_name: 'secure.test',
      source_service: 'secure-client',
      destination_service: 'secure-server',
    })),
  )
  expect(JSON.stringify(lines)).not.toContain('hidden by TLS')

  const sent = lines.filter(({ source_port }) => source_port === files.port)
  expect(sent).toMatchObject([{ url: '/file', status_code: 200, complete: false, missing_bytes: 50_000, body: '' }])
  expect(Number(sent[0]?.bytes)).toBeGreaterThan(50_000)

  const ends = (await recordsOf(outputs.dataDir, 'connections', 'ConnectionEnd')).map(({ value }) => value)
  const ofPort = (port: number) => ends.filter(({ serverPort }) => serverPort === port)
  expect(ofPort(secure.port)).toHaveLength(2)
  for (const { sent, received } of ofPort(secure.port)) {
    expect(Number(sent)).toBeGreaterThan(300)
    expect(Number(received)).toBeGreaterThan(300)
  }
  const [file] = ofPort(files.port)
  expect(file?.sent).toBe(sent[0]?.bytes)
  expect(Number(file?.sent) + Number(file?.received) - Number(file?.captured)).toBe(50_000)
  expect(file?.unseen).toEqual(['no_user_buffer'])
  expect(ofPort(udpPort)).toMatchObject([{ serverAddress: '127.0.0.1', role: 'client', sent: 10, received: 0 }])
})
