import { type Setting, settings } from '@syscribe/runtime'
import { describe, expect, it } from 'vitest'
import { command } from './command.js'

const verbs = ['run', 'collect', 'process', 'project', 'status', 'doctor', 'replay', 'derive', 'demo']

describe('help', () => {
  it('names every verb and where to start', async () => {
    const { exitCode, stdout } = await command(['--help'])
    expect(exitCode).toBe(0)
    for (const verb of [...verbs, 'log', 'topics']) expect(stdout).toMatch(new RegExp(`^  ${verb} `, 'm'))
    expect(stdout).toContain('ADI_PROFILE=local')
    expect(stdout).toContain('Exit codes')
  })

  it.each(['run', 'doctor'])('of %s shows every setting with its variable and default', async (verb) => {
    const { exitCode, stdout } = await command([verb, '--help'])
    const text = stdout.replace(/\s+/g, ' ')
    expect(exitCode).toBe(0)
    for (const { variable, flag, default: standard } of Object.values<Setting>(settings)) {
      if (flag === null) continue
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
      ['process', '--help'],
      ['container-enricher', '--brokers', '--group', '--metrics-port', 'Examples'],
    ],
    [
      ['project', '--help'],
      ['service-map', '--target', '--service-map', '--brokers', 'Examples'],
    ],
    [
      ['collect', '--help'],
      ['--spool-bytes', '--brokers', '--sasl-mechanism', '--tls-ca', '--adi-profile-allowed', 'SIGTERM'],
    ],
    [
      ['status', '--help'],
      ['--once', '--json', '--brokers', '--data-dir', 'LAG', 'DELAY'],
    ],
    [
      ['topics', 'create', '--help'],
      ['--partitions', '--replication', '--retention-hours'],
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

  it.each([
    [['--help']],
    ...verbs.map((verb) => [[verb, '--help']]),
    [['log', '--help']],
    [['log', 'topics', '--help']],
    [['log', 'show', '--help']],
    [['topics', 'create', '--help']],
  ])('%j fills 80 columns, and no more', async (args) => {
    const { stdout } = await command(args, {}, undefined, undefined, 80)
    const lines = stdout.split('\n')
    expect(lines.filter((line) => line.length > 80)).toEqual([])
    // A line that ends where the next word had room was wrapped twice, or in the source.
    const early = lines.filter((line, index) => {
      const next = lines[index + 1] ?? ''
      const [word = ''] = next.trim().split(' ')
      const continued = next.startsWith(' '.repeat(12)) ? line.trim() !== '' : isProse(line) && isProse(next)
      return continued && line.length + 1 + word.length <= 80
    })
    expect(early).toEqual([])
  })

  it('of the command has one line for each verb', async () => {
    const { stdout } = await command(['--help'], {}, undefined, undefined, 80)
    const lines = /Commands:\n(.*?)\n\n/s.exec(stdout)?.[1]?.split('\n') ?? []
    expect(lines.map((line) => line.trim().split(' ')[0])).toEqual(expect.arrayContaining([...verbs, 'help']))
    for (const line of lines) expect(line).toMatch(/^ {2}\w+ .* {2}\S/)
  })

  it('shows a default only where there is one', async () => {
    const derive = (await command(['derive', '--help'])).stdout.replace(/\s+/g, ' ')
    expect(derive).toContain('(OUTPUT_PATH; not written unless named)')
    expect(derive).not.toContain('/var/log')
    const demo = (await command(['demo', '--help'])).stdout
    expect(demo).toContain('(default: 20)')
    expect(demo).not.toContain('"20"')
    const replay = (await command(['replay', '--help'])).stdout.replace(/\s+/g, ' ')
    expect(replay).toContain('(OUTPUT_PATH; default: as in the last run)')
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

/** A line of a paragraph: not indented, and not a heading. */
function isProse(line: string): boolean {
  return /^\S/.test(line) && !/^(Usage|[A-Z][a-z ]+:$)/.test(line)
}
