import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { endings } from '../harness/at-end.js'
import { startContainerd, startDocker, startPodman } from '../harness/container-engines.js'
import { fillImageFolder } from '../harness/image-folder.js'
import { until } from '../harness/until.js'

const atEnd = endings()

test('Docker runs an image made of a folder, and starts again on the same data', { timeout: 180_000 }, async () => {
  const root = mkdtempSync(join(tmpdir(), 'syscribe-image-'))
  atEnd(() => rmSync(root, { recursive: true }))
  fillImageFolder(root, ['/bin/sleep', '/bin/cat'])
  const engine = await startDocker()
  atEnd(() => engine.remove())
  engine.importImage('programs:1', root)
  expect(engine.cli('run', '--rm', 'programs:1', '/bin/cat', '/proc/self/comm')).toBe('cat')
  const id = engine.cli('run', '-d', '--name', 'nap', '-p', '8080:80', 'programs:1', '/bin/sleep', '1000')
  await engine.kill()
  await engine.restart()
  expect(engine.cli('ps', '-aq', '--no-trunc')).toBe(id)
  const pid = Number(engine.cli('inspect', '-f', '{{.State.Pid}}', 'nap'))
  await engine.remove()
  expect(() => readFileSync(`/proc/${pid}/cgroup`)).toThrow()
})

test('containerd runs an image made of a folder', { timeout: 180_000 }, async () => {
  const root = mkdtempSync(join(tmpdir(), 'syscribe-image-'))
  atEnd(() => rmSync(root, { recursive: true }))
  fillImageFolder(root, ['/bin/sleep', '/bin/cat'])
  const engine = await startContainerd()
  atEnd(() => engine.remove())
  engine.importImage('docker.io/library/programs:1', root)
  const image = 'docker.io/library/programs:1'
  expect(engine.cli('run', '--rm', image, 'once', '/bin/cat', '/proc/self/comm')).toBe('cat')
  engine.cli('run', '-d', image, 'nap', '/bin/sleep', '1000')
  const pid = Number(/^nap\s+(\d+)/m.exec(engine.cli('task', 'ls'))?.[1])
  // It is said to run before its first process has executed the program.
  await until('sleep runs', () => readFileSync(`/proc/${pid}/comm`, 'utf8') === 'sleep\n')
  await engine.remove()
  expect(() => readFileSync(`/proc/${pid}/cgroup`)).toThrow()
})

test('Podman runs an image made of a folder', { timeout: 180_000 }, async () => {
  const root = mkdtempSync(join(tmpdir(), 'syscribe-image-'))
  atEnd(() => rmSync(root, { recursive: true }))
  fillImageFolder(root, ['/bin/sleep', '/bin/cat'])
  const engine = await startPodman()
  atEnd(() => engine.remove())
  engine.importImage('programs:1', root)
  expect(engine.cli('run', '--rm', 'programs:1', '/bin/cat', '/proc/self/comm')).toBe('cat')
  engine.cli('run', '-d', '--name', 'nap', '-p', '8080:80', 'programs:1', '/bin/sleep', '1000')
  const pid = Number(engine.cli('inspect', '-f', '{{.State.Pid}}', 'nap'))
  await until('sleep runs', () => readFileSync(`/proc/${pid}/comm`, 'utf8') === 'sleep\n')
  await engine.remove()
  expect(() => readFileSync(`/proc/${pid}/cgroup`)).toThrow()
})
