import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { command } from './command.js'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'syscribe-cli-'))
})
afterEach(() => {
  rmSync(folder, { recursive: true, force: true })
})

/** A configuration that writes only below the test's folder. */
function env(more: Record<string, string> = {}): Record<string, string> {
  return {
    OUTPUT_PATH: join(folder, 'http.log'),
    ENV_OUTPUT_PATH: join(folder, 'env.yaml'),
    SYSCRIBE_DATA_DIR: join(folder, 'data'),
    ...more,
  }
}

describe('bad usage', () => {
  it.each([
    [['frobnicate'], "unknown command 'frobnicate'"],
    [['frobnicate', '--help'], "unknown command 'frobnicate'"],
    [['--help', 'frobnicate'], "unknown command 'frobnicate'"],
    [['help', 'frobnicate'], "unknown command 'frobnicate'"],
    [['log', 'frobnicate', '-h'], "unknown command 'frobnicate'"],
    [['run', '--frobnicate'], "unknown option '--frobnicate'"],
    [['run', 'extra'], 'too many arguments'],
    [['run', '--output'], "option '--output <FILE>' argument missing"],
    [['log', 'show'], "missing required argument 'topic'"],
    [['log', 'show', 'http', '--filter', 'method'], '--filter "method"'],
    [['log', 'show', 'http', '--limit', '-1'], '--limit "-1"'],
    [['log', 'show', 'http', '--from', 'yesterday'], '--from "yesterday"'],
    [['demo', '--seconds', 'ten'], '--seconds "ten"'],
  ])('%j ends with 2 and says what is wrong', async (args, said) => {
    const { exitCode, stdout, stderr } = await command(args, env())
    expect(stderr).toContain(said)
    expect(exitCode).toBe(2)
    expect(stdout).toBe('')
  })
})

describe('bad configuration of run', () => {
  it.each([
    ['SYSCRIBE_RING_BYTES', '1000', 'power of two'],
    ['SYSCRIBE_CAPTURE_LIMIT', 'much', 'number of bytes'],
    ['SYSCRIBE_RAW_PAYLOAD', 'perhaps', ''],
    ['SYSCRIBE_LOG_LEVEL', 'loud', ''],
    ['SYSCRIBE_HOOKS', 'kprobe', ''],
    ['OUTPUT_PATH', '/tmp/', 'not a folder'],
    ['OUTPUT_PATH', '/dev/null/x', 'not a folder'],
    ['OUTPUT_PATH', '/no/such/folder/http.log', 'there is no folder /no/such/folder'],
    ['ENV_OUTPUT_PATH', '/proc/env.yaml', 'cannot be written'],
    ['SERVICE_MAP_PATH', '/sys/map.json', 'cannot be written'],
    ['SYSCRIBE_DATA_DIR', '/dev/null/data', 'not a folder'],
    ['SYSCRIBE_DATA_DIR', '/proc/foo', 'cannot be written (/proc): no folder can be made there'],
    ['SYSCRIBE_DATA_DIR', '/proc', 'cannot be written (/proc): no folder can be made there'],
  ])('%s=%s ends with 2, names both and writes nothing', async (variable, value, said) => {
    const { exitCode, stdout, stderr } = await command(['run'], env({ [variable]: value }))
    expect(stderr).toContain(`${variable}=${JSON.stringify(value)}`)
    expect(stderr).toContain(said)
    expect(stderr.trim().split('\n')).toHaveLength(1)
    expect(exitCode).toBe(2)
    expect(stdout).toBe('')
    expect(readdirSync(folder)).toEqual([])
  })

  it.each([
    [1000, 'cannot be written: permission denied: run it as root (sudo), or choose another\n'],
    [0, 'cannot be written: permission denied\n'],
  ])('says to user %i what rights help', async (user, said) => {
    const getuid = vi.spyOn(process as { getuid: () => number }, 'getuid').mockReturnValue(user)
    const { exitCode, stderr } = await command(['run'], env({ SERVICE_MAP_PATH: '/sys/map.json' }))
    getuid.mockRestore()
    expect({ exitCode, stderr }).toEqual({ exitCode: 2, stderr: `syscribe: SERVICE_MAP_PATH="/sys/map.json" ${said}` })
  })

  it('names flag and variable when a flag is at fault, and the flag wins', async () => {
    const { exitCode, stderr } = await command(['run', '--ring-bytes', '12'], env({ SYSCRIBE_RING_BYTES: '64M' }))
    expect(stderr).toContain('--ring-bytes (SYSCRIBE_RING_BYTES)="12"')
    expect(exitCode).toBe(2)
  })

  it('refuses an output that is a folder', async () => {
    const path = join(folder, 'http.log')
    mkdirSync(path)
    const { exitCode, stderr } = await command(['run'], env())
    expect(stderr).toContain(`OUTPUT_PATH=${JSON.stringify(path)} is a folder`)
    expect(exitCode).toBe(2)
  })

  it('refuses two outputs that are one file, also through a link', async () => {
    const link = join(folder, 'link')
    symlinkSync(folder, link)
    const map = join(link, 'http.log')
    const { exitCode, stderr } = await command(['run'], env({ SERVICE_MAP_PATH: map }))
    expect(stderr).toContain('is the same file as OUTPUT_PATH=')
    expect(exitCode).toBe(2)
  })

  it('leaves an existing output as it was', async () => {
    const path = join(folder, 'http.log')
    writeFileSync(path, 'before\n')
    chmodSync(path, 0o644)
    const { exitCode } = await command(['run'], env({ ENV_OUTPUT_PATH: '/no/such/folder/env.yaml' }))
    expect(exitCode).toBe(2)
    expect(readdirSync(folder)).toEqual(['http.log'])
    expect(existsSync(join(folder, 'data'))).toBe(false)
  })
})
