import { existsSync } from 'node:fs'
import { createConnection } from 'node:net'
import { expect, test } from 'vitest'
import * as redis from './redis.js'
import { startServer } from './running-server.js'
import { findProgram, freePort } from './surroundings.js'

test('a server runs on its port until it is stopped', async () => {
  const server = await redis.start()
  const pong = await new Promise<string>((resolve, reject) => {
    const socket = createConnection(server.port, '127.0.0.1', () => socket.write('PING\r\n'))
    socket.once('data', (data) => resolve(data.toString()))
    socket.once('error', reject)
  })
  expect(pong).toBe('+PONG\r\n')
  await server.stop()
  expect(existsSync(`/proc/${server.pid}`)).toBe(false)
})

test('what is not installed says what to install', () => {
  expect(() => findProgram(['no-such-server'], 'apt-get install no-such-package')).toThrow(
    expect.objectContaining({
      code: 'not_installed',
      message: 'no-such-server is not installed: apt-get install no-such-package',
    }),
  )
})

test('a server that ends at once, or is never ready, says so with its output', async () => {
  const port = await freePort()
  const shell = (script: string) => ({ name: 'Sh', command: '/bin/sh', args: ['-c', script], port })
  await expect(startServer(shell('echo no config >&2; exit 3'))).rejects.toMatchObject({
    code: 'start_failed',
    message: 'Sh ended with 3; its output:\nno config\n',
  })
  await expect(startServer({ ...shell('echo waiting; exec sleep 60'), within: 300 })).rejects.toMatchObject({
    code: 'start_timeout',
    message: expect.stringContaining('waiting'),
  })
})
