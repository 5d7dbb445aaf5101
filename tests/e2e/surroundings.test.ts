import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type Command, node, programs, startServer } from '../harness/program.js'
import { repository } from '../harness/repository.js'
import { syscribeBin } from '../harness/syscribe-process.js'
import { TestBed } from '../harness/test-bed.js'
import { asNobody } from '../harness/unprivileged.js'

// Bad surroundings and bad settings: one clear sentence each, the exit code, and nothing half-written.

const bed = new TestBed('surroundings')

const syscribeRun: Command = { command: process.execPath, args: [syscribeBin, 'run'] }

/** Runs what must refuse to start; returns its one sentence. */
async function refusal({ command, args }: Command, env: Record<string, string>, exitCode: 1 | 2): Promise<string> {
  const child = spawn(command, args, {
    env: { PATH: process.env.PATH ?? '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  bed.atEnd(() => child.kill('SIGKILL'))
  const said = { stdout: '', stderr: '' }
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (text: string) => {
      said[stream] += text
    })
  }
  const [code] = await once(child, 'close')
  expect(said.stdout).toBe('')
  expect(code, said.stderr).toBe(exitCode)
  expect(said.stderr).toMatch(/^syscribe: [^\n]+\n$/)
  return said.stderr
}

/** A command that runs in a mount namespace of its own, prepared by this script; `$1` and so on are `places`. */
function prepared(script: string, places: readonly string[], { command, args }: Command): Command {
  const whole = `${script} && shift ${places.length} && exec "$@"`
  return {
    command: 'unshare',
    args: ['--mount', '--propagation', 'private', 'sh', '-c', whole, 'sh', ...places, command, ...args],
  }
}

test('not root', async () => {
  const outputs = bed.outputs()
  const folder = mkdtempSync(join(tmpdir(), 'syscribe-nobody-'))
  bed.atEnd(() => rmSync(folder, { recursive: true, force: true }))
  for (const path of [folder, outputs.directory]) chmodSync(path, 0o777)
  const sentence = await refusal(asNobody(folder, ['run']), outputs.environment, 1)
  expect(sentence).toMatch(/root|CAP_BPF/)
  expect(readdirSync(outputs.directory)).toEqual([])
})

test('a seccomp filter that refuses bpf(2), whatever the rights', async () => {
  const outputs = bed.outputs()
  const { command, args } = syscribeRun
  const filtered = { command: 'python3', args: [`${programs}without-bpf.py`, command, ...args] }
  expect(await refusal(filtered, outputs.environment, 1)).toContain('a seccomp filter refuses bpf(2)')
  expect(readdirSync(outputs.directory)).toEqual([])
  const doctor = spawnSync(filtered.command, [...filtered.args.slice(0, -1), 'doctor', '--json'])
  expect(doctor.status).toBe(1)
  const { checks } = JSON.parse(doctor.stdout.toString())
  const failed = checks.filter(({ name, ok }: { name: string; ok: unknown }) => ok === false && name !== 'capture')
  expect(failed).toMatchObject([{ name: 'bpf_call', remedy: expect.stringContaining('seccomp=unconfined') }])
})

test('a kernel without BTF', async () => {
  const outputs = bed.outputs()
  const command = prepared('mount -t tmpfs -o size=4k none /sys/kernel/btf', [], syscribeRun)
  expect(await refusal(command, outputs.environment, 1)).toMatch(/BTF/)
  expect(readdirSync(outputs.directory)).toEqual([])
})

test('a kernel whose BTF is empty', async () => {
  const outputs = bed.outputs()
  const empty = join(outputs.directory, 'empty')
  writeFileSync(empty, '')
  const command = prepared('mount --bind "$1" /sys/kernel/btf/vmlinux', [empty], syscribeRun)
  expect(await refusal(command, outputs.environment, 1)).toMatch(/BTF/)
  expect(readdirSync(outputs.directory)).toEqual(['empty'])
})

test('the hooks of last resort, and that they cost everybody is said', async () => {
  const outputs = bed.outputs()
  const syscribe = await bed.run({ SYSCRIBE_HOOKS: 'syscall' }, outputs)
  const echo = await startServer((port) => node('server.mjs', `${port}`))
  bed.atEnd(echo.stop)
  expect(await bed.client(echo.port, 5)).toBe(5)
  expect(await syscribe.stop(), syscribe.stderr).toBe(0)
  expect(syscribe.stderr).toMatch(/every system call of every process/)
  expect(outputs.lines().map(({ url, complete }) => [url, complete])).toEqual(
    [0, 1, 2, 3, 4].flatMap((n) => [
      [`/echo/${n}`, true],
      [`/echo/${n}`, true],
    ]),
  )
})

test('no tracefs: capture needs none', async () => {
  const outputs = bed.outputs()
  const hidden =
    'mount -t tmpfs none /sys/kernel/tracing 2>/dev/null; mount -t tmpfs none /sys/kernel/debug 2>/dev/null; true'
  const { command, args } = prepared(hidden, [], syscribeRun)
  const child = spawn(command, args, {
    env: { PATH: process.env.PATH ?? '', ...outputs.environment, ADI_PROFILE_ALLOWED: bed.profile },
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  bed.atEnd(() => child.kill('SIGKILL'))
  const [ready] = await once(child.stdout.setEncoding('utf8'), 'data')
  expect(ready).toMatch(/^ready/)
  child.kill('SIGTERM')
  expect(await once(child, 'exit')).toEqual([0, null])
})

test.each(['collector/build/syscribe_native.node', 'collector/build/capture.bpf.o'])('not built: %s', async (built) => {
  const outputs = bed.outputs()
  const empty = join(outputs.directory, 'empty')
  mkdirSync(empty)
  // The other of the two is still there.
  for (const name of readdirSync(`${repository}collector/build`)) {
    if (!built.endsWith(name)) writeFileSync(join(empty, name), '')
  }
  const keep = built.endsWith('.node') ? 'capture.bpf.o' : 'syscribe_native.node'
  const script = `mount --bind "$2/collector/build/${keep}" "$1/${keep}" && mount --rbind "$1" "$2/collector/build"`
  const sentence = await refusal(prepared(script, [empty, repository], syscribeRun), outputs.environment, 1)
  expect(sentence).toMatch(/npm run (setup|build)/)
  expect(readdirSync(outputs.directory)).toEqual(['empty'])
})

test.each(['OUTPUT_PATH', 'ENV_OUTPUT_PATH', 'SERVICE_MAP_PATH'])('%s that cannot be written', async (variable) => {
  const outputs = bed.outputs()
  const blocked = join(outputs.directory, 'file')
  writeFileSync(blocked, 'a file')
  const link = join(outputs.directory, 'link')
  symlinkSync(join(outputs.directory, 'nowhere', 'out'), link)
  for (const path of ['/nowhere/at/all/out', outputs.directory, join(blocked, 'out'), link, '/sys/kernel/out']) {
    const sentence = await refusal(syscribeRun, { ...outputs.environment, [variable]: path }, 2)
    expect(sentence).toContain(variable)
    expect(sentence).toContain(path)
  }
  expect(readdirSync(outputs.directory).sort()).toEqual(['file', 'link'])
})

test('a data directory that cannot be made', async () => {
  const outputs = bed.outputs()
  const inFile = join(syscribeBin, 'data')
  const sentence = await refusal(syscribeRun, { ...outputs.environment, SYSCRIBE_DATA_DIR: inFile }, 2)
  expect(sentence).toContain('SYSCRIBE_DATA_DIR')
  expect(sentence).toContain(inFile)
  // There root may write, and yet no folder can be made.
  const inProc = await refusal(syscribeRun, { ...outputs.environment, SYSCRIBE_DATA_DIR: '/proc/data' }, 2)
  expect(inProc).toContain('SYSCRIBE_DATA_DIR="/proc/data"')
  expect(readdirSync(outputs.directory)).toEqual([])
})

test.each([
  ['ENV_PREFIX_LIST', 'A,,B'],
  ['ADI_PROFILE_ALLOWED', ',local'],
  ['SYSCRIBE_RAW_PAYLOAD', 'perhaps'],
  ['SYSCRIBE_CAPTURE_LIMIT', 'much'],
  ['SYSCRIBE_RING_BYTES', '100000'],
  ['SYSCRIBE_QUEUE_BYTES', '1'],
  ['SYSCRIBE_RETENTION_BYTES', '-5'],
  ['SYSCRIBE_RETENTION_HOURS', '1.5'],
  ['SYSCRIBE_HOOKS', 'kprobes'],
  ['SYSCRIBE_LOG_LEVEL', 'loud'],
])('a bad value: %s=%s', async (variable, value) => {
  const outputs = bed.outputs()
  const sentence = await refusal(syscribeRun, { ...outputs.environment, [variable]: value }, 2)
  expect(sentence).toContain(variable)
  expect(sentence).toContain(value)
  expect(readdirSync(outputs.directory)).toEqual([])
})

test('a data directory that another one writes: its pid is named, and the other goes on', async () => {
  const outputs = bed.outputs()
  const first = await bed.run({}, outputs)
  const own = bed.outputs()
  const env = { ...own.environment, SYSCRIBE_DATA_DIR: outputs.dataDir }
  expect(await refusal(syscribeRun, env, 1)).toContain(`${first.child.pid}`)
  expect(readdirSync(own.directory)).toEqual([])
  expect(await first.stop(), first.stderr).toBe(0)
})

test.each(['SIGINT', 'SIGTERM'] as const)('%s writes everything, then ends with 0', async (signal) => {
  const outputs = bed.outputs()
  const syscribe = await bed.run({}, outputs)
  const echo = await startServer((port) => node('server.mjs', `${port}`))
  bed.atEnd(echo.stop)
  expect(await bed.client(echo.port, 300)).toBe(300)
  // At once: what the programs have done must be in the files all the same.
  const ended = once(syscribe.child, 'exit')
  syscribe.child.kill(signal)
  expect(await ended, syscribe.stderr).toEqual([0, null])
  expect(outputs.lines().length).toBe(600)
  expect(outputs.documents().length).toBe(1)
  const [service] = outputs.map().services
  expect(service?.endpoints.reduce((sum, { count }) => sum + Number(count), 0)).toBe(300)
})
