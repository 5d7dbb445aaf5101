import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { listeningPorts } from '../../src/containers/listening-ports.js'

const ends: (() => unknown)[] = []
afterEach(() => {
  for (const end of ends.splice(0)) end()
})

const program = `
const { createServer } = require('node:net')
const { createSocket } = require('node:dgram')
const { spawn } = require('node:child_process')
const child = "require('node:net').createServer().listen(0, '0.0.0.0', function () { console.log(this.address().port) })"
const tcp = createServer().listen(0, '127.0.0.1', () => {
  const six = createServer().listen(0, '::1', () => {
    const udp = createSocket('udp4').bind(0, '127.0.0.1', () => {
      const other = spawn(process.execPath, ['-e', child])
      process.on('exit', () => other.kill())
      process.on('SIGTERM', () => process.exit())
      other.stdout.once('data', (port) => {
        console.log(JSON.stringify([tcp.address().port, six.address().port, udp.address().port, Number(port)]))
      })
    })
  })
})
`

test('ports a process and its children listen on, over TCP and UDP; nobody else’s, and no connections', async () => {
  const others = createServer().listen(0, '127.0.0.1')
  ends.push(() => others.close())
  await once(others, 'listening')
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] })
  ends.push(() => child.kill())
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  const [tcp, six, udp, inChild] = JSON.parse(line.toString()) as number[]
  const at = (transport: string, hostAddress: string, hostPort: number | undefined) => ({
    hostAddress,
    hostPort,
    containerPort: hostPort,
    transport,
  })
  const found = listeningPorts(child.pid as number)
  expect(found).toHaveLength(4)
  expect(found).toEqual(
    expect.arrayContaining([
      at('tcp', '127.0.0.1', tcp),
      at('tcp', '::1', six),
      at('udp', '127.0.0.1', udp),
      at('tcp', '0.0.0.0', inChild),
    ]),
  )
  expect(listeningPorts(child.pid as number)).toEqual(found)
})

test('nothing is said of a process that is gone', async () => {
  const child = spawn('true')
  await once(child, 'exit')
  expect(listeningPorts(child.pid as number)).toBeNull()
})
