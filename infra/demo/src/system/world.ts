import { execFileSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DemoError, type DemoErrorCode } from './demo-error.js'
import type { Member } from './member.js'
import { hostsFile } from './names.js'
import { startProgram } from './programs.js'
import { startNats, startPostgres, startRedis } from './servers.js'

// The demo's inside: the first process of its own pid, network and mount namespaces (start-system.ts makes them).
// It says on stdout, a JSON object a line, what happens; it ends when stdin does. When it ends, the kernel ends
// everything else in the pid namespace, so nothing of the demo can outlive it.

type Word =
  | { event: 'starting'; name: string }
  | { event: 'ready' }
  | { event: 'failed'; code: DemoErrorCode; message: string }
  | Stopped
interface Stopped {
  event: 'stopped'
  /** How often traffic-generator called which endpoint. */
  calls: Record<string, number>
}

const stopMs = 5_000
const members: Member[] = []
const folder = mkdtempSync(join(tmpdir(), 'syscribe-demo-'))
let ending = false

function say(word: Word): void {
  process.stdout.write(`${JSON.stringify(word)}\n`)
}

async function end(): Promise<void> {
  if (ending) return
  ending = true
  let calls: Record<string, number> = {}
  // Callers before those they call.
  for (const member of members.reverse()) {
    await member.stop(stopMs)
    const line = member.line('calls ')
    if (line !== undefined) calls = JSON.parse(line.slice('calls '.length))
  }
  rmSync(folder, { recursive: true, force: true })
  say({ event: 'stopped', calls })
  process.exit(0)
}

function fail(error: unknown): void {
  if (ending) return
  const code = error instanceof DemoError ? error.code : 'not_ready'
  say({ event: 'failed', code, message: error instanceof Error ? error.message : String(error) })
  end()
}

function isolate(): void {
  execFileSync('ip', ['link', 'set', 'lo', 'up'], { stdio: 'pipe' })
  const file = join(folder, 'hosts')
  writeFileSync(file, hostsFile())
  chmodSync(folder, 0o755)
  execFileSync('mount', ['--bind', file, '/etc/hosts'], { stdio: 'pipe' })
}

process.stdin.on('end', end).on('close', end).resume()
process.on('SIGTERM', end)
process.on('SIGINT', () => {})

try {
  isolate()
  const context = { folder, env: { PATH: process.env.PATH ?? '/usr/bin:/bin' }, onEarlyEnd: fail }
  const start = async (name: string, work: () => Promise<Member>) => {
    if (ending) return
    say({ event: 'starting', name })
    members.push(await work())
  }
  await start('postgres', () => startPostgres(context))
  await start('redis', () => startRedis(context))
  await start('nats-server', () => startNats(context))
  for (const name of ['request-logger', 'http-service', 'traffic-generator'] as const) {
    await start(name, () => startProgram(name, fail))
  }
  if (!ending) say({ event: 'ready' })
} catch (error) {
  fail(error)
}
