import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { parseHostsFile } from '../src/hosts-file.js'
import { cgroupPath, procProcess } from '../src/proc-process.js'
import { parseProcStat } from '../src/proc-stat.js'
import { listPids, scanProcesses } from '../src/process-scan.js'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'syscribe-proc-'))
})
afterEach(() => rmSync(root, { recursive: true }))

function process(pid: number, parent: number, environment: string | Buffer) {
  const folder = join(root, String(pid))
  mkdirSync(folder)
  const rest = Array.from({ length: 17 }, () => '0').join(' ')
  writeFileSync(join(folder, 'stat'), `${pid} (a) b (c)) S ${parent} ${rest} ${pid * 10} 0 0`)
  writeFileSync(join(folder, 'environ'), environment)
  writeFileSync(join(folder, 'cmdline'), `prog\0${pid}\0`)
}

test('a program name with spaces and parentheses does not shift the fields', () => {
  process(7, 3, '')
  expect(procProcess(root).stat(7)).toEqual({ comm: 'a) b (c)', parentPid: 3, processStart: 70 })
  expect(parseProcStat('garbage')).toBeNull()
})

test('running processes opt in by their environment, or by the parent that forked them when they wrote over it', () => {
  process(1, 0, 'PATH=/bin\0')
  process(10, 1, 'ADI_PROFILE=local\0ADI_PROFILE_NAME=web\0')
  process(11, 10, Buffer.from('ginx: worker process\0\0\0\0'))
  process(12, 11, Buffer.alloc(64))
  process(13, 10, 'PATH=/bin\0')
  process(14, 1, Buffer.alloc(64))
  process(15, 1, 'ADI_PROFILE=prod\0')
  const found = scanProcesses(procProcess(root), listPids(root), ['local'])
  expect(found.map(({ pid }) => pid).sort()).toEqual([10, 11, 12])
  expect(found.find(({ pid }) => pid === 12)).toMatchObject({
    processStart: 120,
    consent: { profile: 'local', profileName: 'web' },
    environmentError: expect.stringContaining('parent, pid 11'),
  })
})

test('a process that goes during the scan is passed over', () => {
  expect(scanProcesses(procProcess(root), [99], [])).toEqual([])
})

test('the cgroup path that names the container wins', () => {
  expect(cgroupPath('0::/system.slice/docker-ab.scope\n')).toBe('/system.slice/docker-ab.scope')
  expect(cgroupPath('12:cpu:/docker/abc\n1:name=systemd:/docker/abc\n0::/\n')).toBe('/docker/abc')
  expect(cgroupPath('')).toBe('')
  const id = 'ab'.repeat(32)
  const hybrid = `12:cpu:/\n3:pids:/docker/${id}\n1:name=systemd:/docker/${id}\n0::/system.slice/containerd.service\n`
  expect(cgroupPath(hybrid)).toBe(`/docker/${id}`)
  expect(cgroupPath(`12:memory:/longer/than/the/others/of/this/process/by/a/good/measure/and/more\n${hybrid}`)).toBe(
    `/docker/${id}`,
  )
  expect(cgroupPath('3:pids:/a\n2:cpu:/a/b\n0::/\n')).toBe('/a/b')
  expect(cgroupPath('3:pids:/a\n0::/system.slice/web.service\n')).toBe('/system.slice/web.service')
  expect(cgroupPath('0::/\n')).toBe('/')
})

test('hosts files name services, not loopback or the host', () => {
  const text = '127.0.0.1 localhost\n::1 ip6-localhost\n# 1.2.3.4 no\n127.0.0.1 myself\n10.0.0.2 db db.test # main\n'
  expect(parseHostsFile(text, 'myself')).toEqual([{ address: '10.0.0.2', names: ['db', 'db.test'] }])
})
