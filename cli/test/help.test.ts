import { settings } from '@syscribe/runtime'
import { describe, expect, it } from 'vitest'
import { command } from './command.js'

describe('help', () => {
  it('names every verb and where to start', async () => {
    const { exitCode, stdout } = await command(['--help'])
    expect(exitCode).toBe(0)
    for (const verb of ['run', 'doctor', 'replay', 'derive', 'log', 'demo'])
      expect(stdout).toMatch(new RegExp(`^  ${verb} `, 'm'))
    expect(stdout).toContain('ADI_PROFILE=local')
    expect(stdout).toContain('Exit codes')
  })

  it.each(['run', 'doctor'])('of %s shows every setting with its variable and default', async (verb) => {
    const { exitCode, stdout } = await command([verb, '--help'])
    const text = stdout.replace(/\s+/g, ' ')
    expect(exitCode).toBe(0)
    for (const { variable, flag, default: standard } of Object.values(settings)) {
      expect(text).toContain(flag)
      expect(text).toContain(`(${variable}; default: `)
      if (standard !== null) expect(text).toContain(`default: ${standard})`)
    }
  })

  it.each([
    [
      ['log', '--help'],
      ['topics', 'show'],
    ],
    [
      ['log', 'show', '--help'],
      ['--filter', '--from', '--follow', '--limit', '--partition', '--data-dir', 'Examples'],
    ],
    [
      ['log', 'topics', '--help'],
      ['--json', '--data-dir'],
    ],
    [
      ['demo', '--help'],
      ['--seconds', '--output-dir', 'postgresql'],
    ],
    [
      ['help', 'run'],
      ['SIGTERM', 'ADI_PROFILE_NAME'],
    ],
  ])('%j says what it can do', async (args, words) => {
    const { exitCode, stdout } = await command(args)
    expect(exitCode).toBe(0)
    for (const word of words) expect(stdout).toContain(word)
  })

  it('is shown on stderr, as a fault of usage, when no verb is given', async () => {
    const { exitCode, stdout, stderr } = await command([])
    expect(exitCode).toBe(2)
    expect(stdout).toBe('')
    expect(stderr).toContain('Usage: syscribe')
  })

  it('shows the version', async () => {
    const { exitCode, stdout } = await command(['--version'])
    expect(exitCode).toBe(0)
    expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
  })
})
