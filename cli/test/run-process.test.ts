import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

// The command as it is built (npm test builds first), on this kernel, as root.
const bin = fileURLToPath(new URL('../bin/syscribe.js', import.meta.url))
const longMs = 60_000

let folder: string
let server: Server
const running: Running[] = []

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'syscribe-cli-'))
  server = createServer((_, response) => response.end('hello'))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
})
afterEach(() => {
  for (const { child } of running.splice(0)) child.kill('SIGKILL')
  server.close()
  rmSync(folder, { recursive: true, force: true })
})

class Running {
  readonly child: ChildProcess
  stdout = ''
  stderr = ''
  readonly #ended: Promise<unknown>
  constructor(env: Record<string, string> = {}, user?: number) {
    const settings = {
      PATH: process.env.PATH,
      OUTPUT_PATH: join(folder, 'http.log'),
      ENV_OUTPUT_PATH: join(folder, 'env.yaml'),
      SERVICE_MAP_PATH: join(folder, 'map.json'),
      SYSCRIBE_DATA_DIR: join(folder, 'data'),
      ADI_PROFILE_ALLOWED: folder,
    }
    const owner = user === undefined ? {} : { uid: user, gid: user }
    this.child = spawn(process.execPath, [bin, 'run'], { env: { ...settings, ...env }, ...owner })
    for (const name of ['stdout', 'stderr'] as const) {
      this.child[name]?.setEncoding('utf8').on('data', (text: string) => {
        this[name] += text
      })
    }
    this.#ended = once(this.child, 'close')
    running.push(this)
  }
  async ready(): Promise<this> {
    while (!this.stdout.includes('ready')) {
      if (this.child.exitCode !== null) throw new Error(`not ready: ${this.stderr}`)
      await sleep(20)
    }
    return this
  }
  async end(): Promise<number | null> {
    await this.#ended
    return this.child.exitCode
  }
  /** What it said to people: not the JSON of its log. */
  get sentences(): string[] {
    return this.stderr.split('\n').filter((line) => line !== '' && !line.startsWith('{'))
  }
}

/** A program that opts in to this test only, and makes one request. */
async function request(): Promise<void> {
  const { port } = server.address() as AddressInfo
  const script = `await (await fetch('http://127.0.0.1:${port}/')).text()`
  const env = { PATH: process.env.PATH, ADI_PROFILE: folder }
  await once(spawn(process.execPath, ['--input-type=module', '-e', script], { env }), 'close')
}

describe('syscribe run', () => {
  it(
    'says ready in one line, and at SIGTERM writes what it saw, for its owner only',
    async () => {
      const run = await new Running().ready()
      await request()
      run.child.kill('SIGTERM')
      expect({ exitCode: await run.end(), sentences: run.sentences }).toEqual({ exitCode: 0, sentences: [] })
      expect(run.stdout).toMatch(/^ready: [^\n]*\n$/)
      for (const name of ['http.log', 'env.yaml', 'map.json']) {
        expect({ name, mode: statSync(join(folder, name)).mode & 0o777 }).toEqual({ name, mode: 0o600 })
        expect(statSync(join(folder, name)).size).toBeGreaterThan(0)
      }
      expect(statSync(join(folder, 'data')).mode & 0o777).toBe(0o700)
    },
    longMs,
  )

  it(
    'refuses a data directory that another writes, naming it',
    async () => {
      const first = await new Running().ready()
      const second = new Running({
        OUTPUT_PATH: join(folder, '2'),
        ENV_OUTPUT_PATH: join(folder, '3'),
        SERVICE_MAP_PATH: '',
      })
      expect(await second.end()).toBe(1)
      expect(second.sentences).toHaveLength(1)
      expect(second.sentences[0]).toContain(`${first.child.pid}`)
      expect(existsSync(join(folder, '2'))).toBe(false)
      first.child.kill('SIGINT')
      expect(await first.end()).toBe(0)
    },
    longMs,
  )

  it(
    'refuses outputs that another run writes, naming output and pid, until that is gone',
    async () => {
      const first = await new Running().ready()
      const other = { SYSCRIBE_DATA_DIR: join(folder, 'data2'), OUTPUT_PATH: join(folder, '2') }
      const second = new Running(other)
      expect(await second.end()).toBe(1)
      const output = `ENV_OUTPUT_PATH=${JSON.stringify(join(folder, 'env.yaml'))}`
      expect(second.sentences).toEqual([
        expect.stringContaining(`${output} is written by the process with pid ${first.child.pid}`),
      ])
      expect([existsSync(join(folder, 'data2')), existsSync(join(folder, '2'))]).toEqual([false, false])
      first.child.kill('SIGKILL')
      await first.end()
      const third = await new Running(other).ready()
      third.child.kill('SIGTERM')
      expect(await third.end()).toBe(0)
      expect(readdirSync(folder).filter((name) => name.endsWith('.lock'))).toEqual(['.http.log.lock'])
    },
    longMs,
  )

  it(
    'says once that the container runtime cannot be asked, and captures all the same',
    async () => {
      const run = await new Running({ CONTAINERD_SOCKET: join(folder, 'nothing') }).ready()
      await request()
      run.child.kill('SIGTERM')
      expect(await run.end()).toBe(0)
      const warnings = run.stderr.split('\n').filter((line) => line.includes('"no_socket"'))
      expect(warnings).toHaveLength(1)
      expect(JSON.parse(warnings[0] as string)).toMatchObject({
        level: 40,
        socket: join(folder, 'nothing'),
        reason: expect.stringContaining('there is nothing at this path'),
      })
    },
    longMs,
  )

  it(
    'ends with 1 and says which output cannot be written, when that shows only on writing',
    async () => {
      const run = await new Running({ OUTPUT_PATH: '/dev/full' }).ready()
      await request()
      run.child.kill('SIGTERM')
      expect(await run.end()).toBe(1)
      expect(run.sentences).toHaveLength(1)
      expect(run.sentences[0]).toMatch(
        /^syscribe: the outputs cannot be derived: http-log@\/dev\/full failed .*no space/,
      )
    },
    longMs,
  )

  it(
    'ends at once at a second signal',
    async () => {
      const run = await new Running({ OUTPUT_PATH: '/dev/full' }).ready()
      await request()
      run.child.kill('SIGTERM')
      while (!run.stderr.includes('capture has ended')) await sleep(20)
      const begin = performance.now()
      run.child.kill('SIGTERM')
      expect(await run.end()).toBe(143)
      expect(performance.now() - begin).toBeLessThan(1500)
    },
    longMs,
  )

  it(
    'tells a user who is not root in one sentence, and writes nothing',
    async () => {
      chmodSync(folder, 0o777)
      const run = new Running({}, 65534)
      expect(await run.end()).toBe(1)
      expect(run.sentences).toHaveLength(1)
      expect(run.sentences[0]).toContain('root')
      expect(run.stdout).toBe('')
      expect(readdirSync(folder)).toEqual([])
    },
    longMs,
  )
})
