import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openEmbeddedLog } from '@syscribe/log'
import { createPipeline, parseConfig } from '@syscribe/runtime'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { controlSocket } from '../src/replay/control-protocol.js'
import { serveControl } from '../src/run/control-server.js'
import { rememberOutputs } from '../src/run/last-outputs.js'
import { processors, projectionTasks } from '../src/run/parts.js'
import { command, jsonLines } from './command.js'
import { recordLog } from './recorded-log.js'
import { urlsProjection } from './urls-projection.js'

let folder: string
let env: Record<string, string>
const path = (name: string) => join(folder, name)
const text = (name: string) => readFileSync(path(name), 'utf8')
/** The map without the moment it was written. */
const map = (name: string) => text(name).replace(/"generated_at": "[^"]*"/, '')

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'syscribe-cli-'))
  env = {
    SYSCRIBE_DATA_DIR: path('data'),
    OUTPUT_PATH: path('http.log'),
    ENV_OUTPUT_PATH: path('env.yaml'),
    SERVICE_MAP_PATH: path('map.json'),
    SYSCRIBE_LOG_LEVEL: 'silent',
  }
  await recordLog(path('data'))
})
afterEach(() => {
  rmSync(folder, { recursive: true, force: true })
})

function expectOutputs(): void {
  const lines = jsonLines(text('http.log'))
  expect(lines).toMatchObject([
    { method: 'GET', url: '/hello', source_service: 'caller', destination_service: 'reviews', complete: true },
    { status_code: 200, body: '{"a":"b"}', source_service: 'reviews' },
  ])
  expect(text('env.yaml')).toContain('adi_profile_name: "caller"')
  expect(JSON.parse(text('map.json')).services).toMatchObject([
    { name: 'caller', endpoints: [{ destination: 'reviews', method: 'GET', path: '/hello', count: 1 }] },
  ])
}

describe('projections of one’s own', () => {
  beforeEach(() => {
    writeFileSync(path('urls.mjs'), urlsProjection)
    env.SYSCRIBE_PROJECTIONS = `${path('urls.mjs')}=${path('urls.txt')}`
  })

  it('are derived with the others', async () => {
    expect(await command(['derive'], env)).toMatchObject({ exitCode: 0 })
    expect(text('urls.txt')).toBe('/hello,seen')
    expectOutputs()
  })

  it('are replayed with the processor before them, and by their own name', async () => {
    expect(await command(['replay', 'http-parser'], env)).toMatchObject({ exitCode: 0 })
    expect(text('urls.txt')).toBe('/hello,seen')
    writeFileSync(path('urls.txt'), 'spoilt')
    expect(await command(['replay', 'urls'], env)).toMatchObject({ exitCode: 0, stdout: 'urls is built again.\n' })
    expect(text('urls.txt')).toBe('/hello,seen')
    expect(await command(['replay', 'urls', '--into', path('once.txt')], env)).toMatchObject({ exitCode: 0 })
    expect(text('once.txt')).toBe('/hello,seen')
    // Whatever the path looks like, a `.` for one, what it leads to is told by its name.
    const byPath = await command(['replay', path('urls.mjs'), '--into', path('twice.txt')], env)
    expect(byPath).toMatchObject({ exitCode: 0, stdout: `urls is written to ${path('twice.txt')}.\n` })
  })

  it('are found where the last run had them', async () => {
    expect(await command(['replay', 'http-parser'], env)).toMatchObject({ exitCode: 0 })
    rememberOutputs(parseConfig({ env }))
    const { SYSCRIBE_PROJECTIONS: _, ...without } = env
    expect(await command(['replay', 'urls'], without)).toMatchObject({ exitCode: 0 })
    const { stdout } = await command(['status', '--once', '--json'], without)
    expect(JSON.parse(stdout).parts.map(({ part }: { part: string }) => part)).toContain(`urls@${path('urls.txt')}`)
  })

  it('are refused with a name or file that another has, before anything is written', async () => {
    writeFileSync(path('urls.mjs'), urlsProjection.replace("'urls'", "'http-log'"))
    const taken = await command(['derive'], env)
    expect(taken.stderr).toContain('of the name http-log, which another part has')
    expect(taken.exitCode).toBe(2)
    writeFileSync(path('other.mjs'), urlsProjection)
    const both = await command(['derive'], { ...env, SYSCRIBE_PROJECTIONS: `${path('other.mjs')}=${path('http.log')}` })
    expect(both.stderr).toContain('is the same file as OUTPUT_PATH=')
    expect(both.exitCode).toBe(2)
    expect(existsSync(path('http.log'))).toBe(false)
  })
})

describe('derive', () => {
  it('makes the outputs from a recorded log and leaves that as it is', async () => {
    const before = statSync(path('data/raw/data.mdb')).mtimeMs
    const { exitCode, stdout, stderr } = await command(['derive'], env)
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: '6 records derived.\n' })
    expect(stderr).toContain('6 of 6 records (100 %)')
    expectOutputs()
    expect(statSync(path('data/raw/data.mdb')).mtimeMs).toBe(before)
    const topics = await command(['log', 'topics', '--json'], env)
    expect(jsonLines(topics.stdout).find(({ topic }) => topic === 'http').offsets[0].end).toBe(0)
  })

  it('gives the same files again', async () => {
    await command(['derive'], env)
    const again = ['--output', path('2.log'), '--env-output', path('2.yaml'), '--service-map', path('2.json')]
    expect((await command(['derive', ...again], env)).exitCode).toBe(0)
    expect(text('2.log')).toBe(text('http.log'))
    expect(text('2.yaml')).toBe(text('env.yaml'))
    expect(map('2.json')).toBe(map('map.json'))
  })

  it('writes only what is named', async () => {
    const only = { SYSCRIBE_DATA_DIR: path('data'), SYSCRIBE_LOG_LEVEL: 'silent', SERVICE_MAP_PATH: path('map.json') }
    expect((await command(['derive'], only)).exitCode).toBe(0)
    expect([existsSync(path('map.json')), existsSync(path('http.log'))]).toEqual([true, false])
  })

  it('ends with 2 when no output is named, with 1 when there is no log', async () => {
    const none = await command(['derive', '--data-dir', path('data')], {})
    expect(none.exitCode).toBe(2)
    expect(none.stderr).toContain('no output is named')
    const empty = await command(['derive', '--data-dir', path('nothing')], env)
    expect(empty.exitCode).toBe(1)
    expect(empty.stderr).toContain(path('nothing'))
    expect(existsSync(path('http.log'))).toBe(false)
  })
})

describe('replay while nothing runs', () => {
  it('derives everything behind a processor, and then one projection again', async () => {
    const first = await command(['replay', 'http-parser'], env)
    expect({ exitCode: first.exitCode, stdout: first.stdout }).toEqual({
      exitCode: 0,
      stdout: 'http-parser is built again.\n',
    })
    await command(['replay', 'env-reader'], env)
    expectOutputs()
    const before = text('http.log')
    const second = await command(['replay', 'http-log'], env)
    expect(second.exitCode).toBe(0)
    expect(text('http.log')).toBe(before)
  })

  it('writes where the last run wrote, unless told otherwise', async () => {
    await command(['replay', 'http-parser'], env)
    rememberOutputs(parseConfig({ env }))
    const before = text('http.log')
    rmSync(path('http.log'))
    const { exitCode } = await command(['replay', 'http-log'], { SYSCRIBE_DATA_DIR: path('data') })
    expect(exitCode).toBe(0)
    expect(text('http.log')).toBe(before)
  })

  it('writes into another file, or only a part, and leaves the output as it is', async () => {
    await command(['replay', 'http-parser'], env)
    const before = text('http.log')
    const into = (...args: string[]) => command(['replay', 'http-log', '--into', path('part.log'), ...args], env)
    const whole = await into()
    expect(whole).toMatchObject({ exitCode: 0, stdout: `http-log is written to ${path('part.log')}.\n` })
    expect(text('part.log')).toBe(before)
    rmSync(path('part.log'))
    expect((await into('--from', '1')).exitCode).toBe(0)
    expect(jsonLines(text('part.log'))).toMatchObject([{ status_code: 200 }])
    rmSync(path('part.log'))
    expect((await into('--to', '1')).exitCode).toBe(0)
    expect(jsonLines(text('part.log'))).toMatchObject([{ url: '/hello' }])
    rmSync(path('part.log'))
    expect((await into('--from', '2026-11-23T10:00:01Z')).exitCode).toBe(0)
    expect(text('part.log')).toBe('')
    expect(text('http.log')).toBe(before)
  })

  it('writes what a processor derives into a topic that is named', async () => {
    await command(['replay', 'http-parser'], env)
    const into = (...args: string[]) => command(['replay', ...args], env)
    expect(await into('http-parser', '--into', 'trial', '--to', '1')).toMatchObject({
      exitCode: 0,
      stdout: 'http-parser is written to trial.\n',
    })
    expect((await into('protocol-classifier', '--into', 'both')).exitCode).toBe(0)
    const topics = jsonLines((await command(['log', 'topics', '--json'], env)).stdout)
    const ends = Object.fromEntries(topics.map(({ topic, offsets }) => [topic, offsets[0].end]))
    // One message: --to 1 leaves the response out.
    expect(ends).toMatchObject({ trial: 1, 'both.connections': ends.connections, 'both.names': ends.names })
    expect(topics.map(({ topic }) => topic).filter((topic) => topic.includes('.into.'))).toEqual([])
    expect(await into('http-parser', '--into', 'trial')).toMatchObject({
      exitCode: 1,
      stderr: 'syscribe: there is a topic trial already: name another\n',
    })
    expect((await into('http-parser', '--into', 'x', '--data-dir', path('nothing'))).stderr).toContain(
      'there is no log',
    )
  })

  it.each([
    [['replay', 'htp-log'], 'no projection or processor "htp-log": one of http-log'],
    [['replay', 'http-log', '--to', '1h'], '--to needs --into'],
    [['replay', 'http-log', '--from', 'now'], '--from "now" is neither'],
    [['replay', 'http-log', '--into', 'x', '--to', 'later'], '--to "later" is neither'],
    [['replay', 'http-parser', '--from', '1h'], 'http-parser is a processor'],
    [['replay', 'http-parser', '--to', '1h'], 'http-parser is a processor'],
    [['replay', 'http-log', '--target', 'x'], '--target is for a cluster'],
    [['replay', 'http-parser', '--target', 'x'], '--target says which output of a projection'],
    [['replay', 'http-parser', '--anew'], '--anew is for the replay of a processor on a cluster'],
    [['replay', 'http-parser', '--cancel'], '--cancel is for the replay of a processor on a cluster'],
    [['replay', 'http-log', '--into', '/no/such/folder/x'], '--into "/no/such/folder/x": there is no folder'],
  ])('%j ends with 2', async (args, said) => {
    const { exitCode, stderr } = await command(args, env)
    expect(stderr).toContain(said)
    expect(exitCode).toBe(2)
    expect(existsSync(path('http.log'))).toBe(false)
  })

  it.each([
    ['http-log', 'nothing'],
    ['http-parser', 'nothing'],
    ['http-log', 'empty'],
    ['http-parser', 'empty'],
  ])('of %s says so when there is no log (%s), and makes none', async (part, name) => {
    mkdirSync(path('empty'))
    const { exitCode, stderr } = await command(['replay', part, '--data-dir', path(name)], env)
    expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: `syscribe: there is no log in ${path(name)}\n` })
    expect(existsSync(path('nothing'))).toBe(false)
    expect(readdirSync(path('empty'))).toEqual([])
    expect(existsSync(path('http.log'))).toBe(false)
  })

  it('ends with 2 when the projection has no file', async () => {
    const { SERVICE_MAP_PATH: _, ...without } = env
    const { exitCode, stderr } = await command(['replay', 'service-map'], without)
    expect(stderr).toContain('service-map has no file')
    expect(exitCode).toBe(2)
  })
})

describe('replay while syscribe runs', () => {
  it('asks it by its socket, which is the owner’s only, and shows how far it is', async () => {
    const log = await openEmbeddedLog({ path: path('data') })
    const logger = pino({ level: 'silent' })
    const projections = projectionTasks(parseConfig({ env }))
    const pipeline = await createPipeline({ log, logger, processors, projections })
    const server = await serveControl(path('data'), pipeline, logger)
    try {
      await pipeline.drain()
      expectOutputs()
      const before = text('http.log')
      expect(statSync(controlSocket(path('data'))).mode & 0o777).toBe(0o600)
      for (const part of ['http-log', 'http-parser']) {
        const { exitCode, stdout, stderr } = await command(['replay', part], env)
        expect({ part, exitCode, stdout }).toEqual({ part, exitCode: 0, stdout: `${part} is built again.\n` })
        expect(stderr).toMatch(/^\d+ of \d+ records \(100 %\)$/m)
        expect(text('http.log')).toBe(before)
      }
    } finally {
      await server.close()
      await pipeline.close()
      await log.close()
    }
  })

  it('builds only what that one writes, and refuses any other file or form', async () => {
    const log = await openEmbeddedLog({ path: path('data') })
    const logger = pino({ level: 'silent' })
    const config = parseConfig({ env: { ...env, SERVICE_MAP_PATH: '' } })
    const pipeline = await createPipeline({ log, logger, processors, projections: projectionTasks(config) })
    rememberOutputs(config)
    const server = await serveControl(path('data'), pipeline, logger)
    const without = { SYSCRIBE_DATA_DIR: path('data'), SYSCRIBE_LOG_LEVEL: 'silent' }
    const other = path('other.log')
    const refused = async (...args: string[]) => {
      const { exitCode, stderr } = await command(['replay', ...args], without)
      expect({ args, exitCode }).toEqual({ args, exitCode: 2 })
      return stderr
    }
    try {
      await pipeline.drain()
      expect(await refused('http-log', '--output', other)).toBe(
        `syscribe: cannot build http-log to ${other}: the syscribe run of this data directory writes it to ${path('http.log')}: ` +
          'leave that option or variable out, or write another file: syscribe replay http-log --into FILE\n',
      )
      expect(await refused('http-parser', '--output', other)).toContain(`http-log to ${other}`)
      expect(await refused('http-parser', '--service-map', path('map.json'))).toContain('does not write it')
      expect(await refused('http-log', '--raw-payload', '0')).toContain('writes it with raw_payload')
      expect(existsSync(other)).toBe(false)
      // Of what it does not concern, anything may be said.
      expect(await command(['replay', 'env-yaml', '--output', other], without)).toMatchObject({ exitCode: 0 })
      const same = await command(['replay', 'http-log', '--output', path('http.log')], without)
      expect(same).toMatchObject({ exitCode: 0, stdout: 'http-log is built again.\n' })
    } finally {
      await server.close()
      await pipeline.close()
      await log.close()
    }
  })

  it('says so when the log is written by one that cannot be asked', async () => {
    const log = await openEmbeddedLog({ path: path('data') })
    try {
      const { exitCode, stderr } = await command(['replay', 'http-log'], env)
      expect(exitCode).toBe(1)
      expect(stderr).toMatch(/^syscribe: .*pid \d+/)
      expect(stderr).toContain('another syscribe uses this data directory')
      expect(stderr).toContain('--data-dir or SYSCRIBE_DATA_DIR')
    } finally {
      await log.close()
    }
  })
})
