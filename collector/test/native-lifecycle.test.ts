import { execFileSync, spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { CaptureError, type CaptureOptions, checkKernel, openCapture } from '../src/native.js'
import { boot, buildNative, CaptureSession } from './native/capture-session.js'
import { run, tcpEcho } from './native/echo-peer.js'
import { fixtureProgram } from './native/fixture-program.js'

buildNative()
const program = fixtureProgram('socket-calls')

function codeOf(call: () => unknown): string {
  try {
    call()
  } catch (error) {
    if (error instanceof CaptureError) return error.code
    throw error
  }
  return 'none'
}

describe('open and close', () => {
  it('100 times leaves no descriptor, thread, memory or BPF program behind', async () => {
    const options = { host: 'h', boot, ringBytes: 1 << 20, processRingBytes: 1 << 20 }
    const descriptors = () => readdirSync('/proc/self/fd').length
    const threads = () => readdirSync('/proc/self/task').length
    for (let i = 0; i < 3; i++) openCapture(options).close()
    const before = { descriptors: descriptors(), threads: threads(), memory: process.memoryUsage().rss }
    for (let i = 0; i < 100; i++) {
      const capture = openCapture(options)
      if (i % 10 === 0) await capture.read(0)
      capture.close()
      capture.close()
    }
    expect(descriptors()).toBeLessThanOrEqual(before.descriptors)
    expect(threads()).toBeLessThanOrEqual(before.threads)
    expect(process.memoryUsage().rss - before.memory).toBeLessThan(64 << 20)
  }, 120_000)

  it('stop ends capture; what came before can still be read', async () => {
    const session = new CaptureSession()
    const peer = await tcpEcho(4, 100)
    const words = ['client', '4', `${peer.port}`, 'read', '100']
    const { pid: before } = await run(program, words, { ADI_PROFILE: 'x' })
    session.capture.stop()
    const { pid: after } = await run(program, words, { ADI_PROFILE: 'x' })
    peer.close()
    await session.flush()
    expect(session.stream(before, 'recv').length).toBe(100)
    expect(session.processes.filter((event) => event.pid === after)).toEqual([])
    expect(session.ofProcess(after)).toEqual([])
    await session.close()
  })

  it('a closed capture says so, and rejects who waits for it', async () => {
    const capture = openCapture({ host: 'h', boot })
    const flush = capture.flush()
    const read = capture.read(10_000)
    capture.close()
    await expect(flush).rejects.toMatchObject({ code: 'closed' })
    await expect(read).rejects.toMatchObject({ code: 'closed' })
    await expect(capture.read(0)).rejects.toMatchObject({ code: 'closed' })
    expect(codeOf(() => capture.stats())).toBe('closed')
    expect(codeOf(() => capture.now())).toBe('closed')
  })

  it('a process may end without closing', () => {
    const ending = `
      const { createRequire } = require('node:module')
      const { Capture } = require(${JSON.stringify(fileURLToPath(new URL('../build/syscribe_native.node', import.meta.url)))})
      const object = ${JSON.stringify(fileURLToPath(new URL('../build/capture.bpf.o', import.meta.url)))}
      new Capture({ host: 'h', boot: Buffer.alloc(16), object }, () => {})
      setTimeout(() => {}, 100)`
    const { status, stderr } = spawnSync(process.execPath, ['-e', ending], { encoding: 'utf8' })
    expect([status, stderr]).toEqual([0, ''])
  })
})

describe('errors', () => {
  it.each<[string, Partial<CaptureOptions>]>([
    ['boot', { boot: Buffer.alloc(15) }],
    ['ringBytes', { ringBytes: 100_000 }],
    ['ringBytes', { ringBytes: 1024 }],
    ['capBytes', { capBytes: -1 }],
    ['capBytes', { capBytes: 1.5 }],
    ['partitions', { partitions: 0 }],
    ['batchMs', { batchMs: 0 }],
    ['drainNice', { drainNice: 20 }],
    ['allowedProfiles', { allowedProfiles: ['x'.repeat(255)] }],
    ['hook', { hook: 'kprobe' as 'auto' }],
  ])('bad %s is named', (name, options) => {
    expect(() => openCapture({ host: 'h', boot, ...options })).toThrow(name)
    expect(codeOf(() => openCapture({ host: 'h', boot, ...options }))).toBe('bad_option')
  })

  it('without rights: no_rights, also in the report', () => {
    const script = `
      const a = require(${JSON.stringify(fileURLToPath(new URL('../build/syscribe_native.node', import.meta.url)))})
      const object = ${JSON.stringify(fileURLToPath(new URL('../build/capture.bpf.o', import.meta.url)))}
      process.setgroups([]); process.setgid(65534); process.setuid(65534)
      let code
      try { new a.Capture({ host: 'h', boot: Buffer.alloc(16), object }, () => {}) } catch (error) { code = error.code }
      const report = a.checkKernel(object)
      console.log(JSON.stringify([code, report.hook, report.checks.filter((c) => !c.ok).map((c) => [c.name, c.code])]))`
    const output = execFileSync(process.execPath, ['-e', script], { encoding: 'utf8', cwd: '/' })
    expect(JSON.parse(output)).toEqual(['no_rights', null, [['rights', 'no_rights']]])
  })

  it('an object that is none is reported with what libbpf says', () => {
    const script = `
      const a = require(${JSON.stringify(fileURLToPath(new URL('../build/syscribe_native.node', import.meta.url)))})
      try { new a.Capture({ host: 'h', boot: Buffer.alloc(16), object: '/bin/true' }, () => {}) } catch (error) {
        console.log(JSON.stringify([error.code, error.detail.length > 0])) }`
    const output = execFileSync(process.execPath, ['-e', script], { encoding: 'utf8' })
    expect(JSON.parse(output)).toEqual(['system', true])
  })
})

it('checkKernel finds that everything is there on the machine that tests run on', () => {
  const report = checkKernel()
  expect(report.checks.filter((check) => !check.ok)).toEqual([])
  expect(report.hook).toBe('socket')
  expect(report.checks.map((check) => check.name)).toContain('programs_syscall')
})
