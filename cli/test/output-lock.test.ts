import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { lockOutputs, type OutputLocks } from '../src/run/output-lock.js'
import { command } from './command.js'
import { recordLog } from './recorded-log.js'

let folder: string
const taken: OutputLocks[] = []
const path = (name: string) => join(folder, name)

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'syscribe-cli-'))
})
afterEach(() => {
  for (const locks of taken.splice(0)) locks.release()
  rmSync(folder, { recursive: true, force: true })
})

function take(httpLog: string, map: string | null = null): OutputLocks {
  const locks = lockOutputs({ outputPath: httpLog, envOutputPath: null, serviceMapPath: map })
  taken.push(locks)
  return locks
}

describe('locks of outputs', () => {
  it('keep a second writer out, naming output and pid, and leave nothing behind', () => {
    const first = take(path('http.log'), path('map.json'))
    const refused = `OUTPUT_PATH=${JSON.stringify(path('map.json'))} is written by the process with pid ${process.pid}`
    expect(() => take(path('map.json'))).toThrow(refused)
    first.release()
    expect(readdirSync(folder)).toEqual([])
    expect(() => take(path('map.json'))).not.toThrow()
  })

  it('give back what they took when a later one is held', () => {
    take(path('map.json'))
    expect(() => take(path('http.log'), path('map.json'))).toThrow('SERVICE_MAP_PATH=')
    expect(() => take(path('http.log'))).not.toThrow()
  })

  it('are the same for every path of a file', () => {
    mkdirSync(path('real'))
    symlinkSync(path('real'), path('folder'))
    writeFileSync(path('real/http.log'), '')
    symlinkSync(path('real/http.log'), path('file'))
    take(path('real/http.log'))
    expect(() => take(path('folder/http.log'))).toThrow('is written by')
    expect(() => take(path('file'))).toThrow('is written by')
  })

  it('hold while the output is replaced', () => {
    take(path('map.json'))
    writeFileSync(path('map.json'), '{}')
    expect(() => take(path('map.json'))).toThrow('is written by')
  })

  it('are nobody’s when their holder was killed', async () => {
    const lock = path('.http.log.lock')
    const holder = spawn('flock', ['-x', lock, 'sh', '-c', 'echo locked; exec sleep 60'], {
      stdio: ['ignore', 'pipe', 'ignore'],
      detached: true,
    })
    await once(holder.stdout, 'data')
    writeFileSync(lock, '4711\n')
    expect(() => take(path('http.log'))).toThrow('the process with pid 4711')
    process.kill(-(holder.pid as number), 'SIGKILL')
    await once(holder, 'close')
    expect(() => take(path('http.log'))).not.toThrow()
  })

  it('are given back also when somebody has cleared the folder', () => {
    const locks = take(path('http.log'))
    rmSync(path('.http.log.lock'))
    expect(() => locks.release()).not.toThrow()
  })

  it('are not taken of what is no plain file', () => {
    expect(take('/dev/null').unlocked).toEqual([])
    expect(() => take('/dev/null')).not.toThrow()
  })

  it.each([['derive'], ['replay', 'http-log']])('keep %s from a file that a run writes', async (...args) => {
    await recordLog(path('data'))
    take(path('http.log'))
    const env = { SYSCRIBE_DATA_DIR: path('data'), OUTPUT_PATH: path('http.log'), SYSCRIBE_LOG_LEVEL: 'silent' }
    const { exitCode, stderr } = await command(args, env)
    expect(stderr).toContain(`OUTPUT_PATH=${JSON.stringify(path('http.log'))} is written by`)
    expect(exitCode).toBe(1)
    expect(readdirSync(folder).sort()).toEqual(['.http.log.lock', 'data'])
  })
})
