import { once } from 'node:events'
import { expect, test } from 'vitest'
import { buildNative, CaptureSession, hooksHere } from './native/capture-session.js'
import { ended, start } from './native/echo-peer.js'
import { fixtureProgram } from './native/fixture-program.js'

buildNative()

test.each(hooksHere())(
  'hook %s: a connection that closes while it is found keeps role, positions and identity',
  async (hook) => {
    const session = new CaptureSession({ hook })
    try {
      const { capture, opened } = session
      const child = start(fixtureProgram('closing-connections'), ['1500'], {})
      const [line] = await once(child.stdout as NodeJS.ReadableStream, 'data')
      const [, port, , pid] = String(line).split(' ').map(Number)
      const end = ended(child)
      let running = true
      void end.finally(() => {
        running = false
      })
      while (running) {
        capture.announceOpenConnections()
        await new Promise((resolve) => setImmediate(resolve))
      }
      await end
      await session.flush()
      const found = opened.filter((record) => record.pid === pid)
      expect(found.length).toBeGreaterThan(100)
      const wrong = found.filter(
        ({ role, remotePort, sendPosition, receivePosition }) =>
          (role === 'client') !== (remotePort === port) || sendPosition !== 0 || receivePosition !== 0,
      )
      expect(
        wrong.map((end) => [end.role, end.remotePort === port, end.localPort, end.sendPosition, end.receivePosition]),
      ).toEqual([])
      // Both ends of one connection have one identity. A client's port may have been used again.
      const ofClients = new Set(
        found
          .filter(({ role }) => role === 'client')
          .map((end) => `${end.localPort} ${end.connection.toString('hex')}`),
      )
      const ports = new Set([...ofClients].map((end) => end.split(' ')[0]))
      const servers = found.filter(({ role, remotePort }) => role === 'server' && ports.has(`${remotePort}`))
      expect(servers.length).toBeGreaterThan(20)
      const alone = servers.filter((end) => !ofClients.has(`${end.remotePort} ${end.connection.toString('hex')}`))
      expect(alone.length).toBeLessThanOrEqual(servers.length / 100)
    } finally {
      await session.close()
    }
  },
)
