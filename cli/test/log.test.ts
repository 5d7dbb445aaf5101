import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BatchBuilder, type Log, openEmbeddedLog } from '@syscribe/log'
import { topicSettings } from '@syscribe/runtime'
import { TopicCodec } from '@syscribe/schemas'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { command, jsonLines } from './command.js'

const boot = Buffer.from('000102030405060708090a0b0c0d0e0f', 'hex')
const codec = new TopicCodec('processes')
let folder: string
let writer: Log

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'syscribe-cli-'))
  writer = await openEmbeddedLog({ path: folder })
  await writer.createTopics(topicSettings({ retentionBytes: 1024 ** 3, retentionMs: 3_600_000 }))
})
afterEach(async () => {
  await writer.close()
  rmSync(folder, { recursive: true, force: true })
})

interface Seen {
  pid: number
  comm: string
  environment: Buffer | null
}

/** Appends processes seen, a second apart from 2026-11-23T10:00:00Z on. */
async function append(...seen: Seen[]): Promise<void> {
  const schemaId = await writer.registerSchema('processes', codec.schema)
  const batch = new BatchBuilder(schemaId)
  const begin = Date.parse('2026-11-23T10:00:00Z')
  for (const [index, { pid, comm, environment }] of seen.entries()) {
    const timestamp = begin + index * 1000
    const value = codec.encode('ProcessSeen', {
      host: 'box',
      boot,
      pid,
      processStart: 5,
      time: timestamp * 1000 + 7,
      timeNanos: 0,
      reason: 'exec',
      parentPid: 1,
      comm,
      cmdline: Buffer.from(`${comm}\0`),
      cgroup: '',
      profile: 'local',
      profileName: null,
      environment,
      environmentError: null,
      hosts: [],
    })
    batch.append({ timestamp, key: Buffer.from([0xff, pid]), value })
  }
  const producer = await writer.producer()
  await producer.append([{ topic: 'processes', partition: 0, batch: batch.take() }])
  await producer.close()
}

const show = (...args: string[]) => command(['log', 'show', 'processes', '--data-dir', folder, ...args])
const pids = (text: string) => jsonLines(text).map((line) => line.value.pid)

const three: Seen[] = [
  { pid: 1, comm: 'curl', environment: Buffer.from('A=1\0') },
  { pid: 2, comm: 'node', environment: Buffer.from([0x41, 0x3d, 0xff]) },
  { pid: 3, comm: 'curl', environment: null },
]

describe('log show', () => {
  it('shows records as JSON while another writes: bytes as text or base64, ids as hex, times in UTC', async () => {
    await append(...three)
    const { exitCode, stdout, stderr } = await show()
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
    const [first, second, third] = jsonLines(stdout)
    expect(first).toMatchObject({
      topic: 'processes',
      partition: 0,
      offset: 0,
      timestamp: '2026-11-23T10:00:00.000Z',
      key: 'ff01',
      kind: 'ProcessSeen',
      value: { pid: 1, comm: 'curl', boot: boot.toString('hex'), time: '2026-11-23T10:00:00.000007Z' },
    })
    expect(first.value.environment).toBe('A=1\0')
    expect(second.value.environment).toEqual({ base64: 'QT3/' })
    expect(third.value.environment).toBeNull()
  })

  it.each([
    [
      ['--filter', 'comm=curl'],
      [1, 3],
    ],
    [['--filter', 'comm!=curl'], [2]],
    [['--filter', 'comm~ur', '--filter', 'pid>1'], [3]],
    [
      ['--filter', 'value.pid<=2'],
      [1, 2],
    ],
    [['--filter', 'profileName>='], []],
    [['--filter', 'profileName<z'], []],
    [['--filter', 'profileName<=z'], []],
    [['--filter', 'profileName>1'], []],
    [
      ['--filter', 'profileName!=x'],
      [1, 2, 3],
    ],
    [['--filter', 'profileName~ul'], []],
    [['--filter', 'environment=null'], [3]],
    [
      ['--filter', 'timestamp>=2026-11-23T10:00:01'],
      [2, 3],
    ],
    [
      ['--limit', '2'],
      [1, 2],
    ],
    [['--limit', '0'], []],
    [
      ['--from', '1'],
      [2, 3],
    ],
    [['--from', 'latest'], []],
    [['--from', '2026-11-23T10:00:01.500Z'], [3]],
    [['--partition', '0', '--limit', '1'], [1]],
  ])('%j shows the processes %j', async (args, expected) => {
    await append(...three)
    const { exitCode, stdout } = await show(...args)
    expect(exitCode).toBe(0)
    expect(pids(stdout)).toEqual(expected)
  })

  it('begins within a batch', async () => {
    await append(...three)
    const { stdout } = await show('--from', '2')
    expect(jsonLines(stdout).map(({ offset }) => offset)).toEqual([2])
  })

  it('follows until stopped', async () => {
    await append(three[0]!)
    const stop = new AbortController()
    let seen = ''
    const following = command(
      ['log', 'show', 'processes', '--data-dir', folder, '--follow'],
      {},
      stop.signal,
      (text) => {
        seen += text
        if (jsonLines(seen).length === 1) void append(three[1]!)
        if (jsonLines(seen).length === 2) stop.abort()
      },
    )
    const { exitCode, stdout } = await following
    expect(exitCode).toBe(0)
    expect(pids(stdout)).toEqual([1, 2])
  })

  it('leaves watermarks out unless they are asked for', async () => {
    await append(three[0]!)
    const schemaId = await writer.registerSchema('processes', codec.schema)
    const batch = new BatchBuilder(schemaId)
    const watermark = { time: 1, timeNanos: 0, host: 'box', boot, final: false }
    batch.append({ timestamp: Date.now(), key: Buffer.from('w'), value: codec.encode('Watermark', watermark) })
    const producer = await writer.producer()
    await producer.append([{ topic: 'processes', partition: 0, batch: batch.take() }])
    await producer.close()
    const kinds = async (...args: string[]) => jsonLines((await show(...args)).stdout).map(({ kind }) => kind)
    expect(await kinds()).toEqual(['ProcessSeen'])
    expect(await kinds('--watermarks')).toEqual(['ProcessSeen', 'Watermark'])
    expect(await kinds('--watermarks', '--filter', 'final=false')).toEqual(['Watermark'])
    expect(await kinds('--watermarks', '--filter', 'value.host=box')).toEqual(['ProcessSeen', 'Watermark'])
  })

  it.each([
    ['processes', 'comn=curl', ['no record of topic processes has a field comn ', 'ProcessSeen has host, boot, pid,']],
    ['processes', 'final=true', ['has a field final']],
    ['processes', 'comm.length=3', ['has a field comm.length']],
    ['processes', 'kind=Watermark', ['with --watermarks only']],
    ['processes', 'kind=SocketIo', ['has no kind SocketIo, only ProcessSeen, ProcessExited']],
    ['traffic', 'source.service=a', ['has a field source.service', 'TrafficMessage has client, server, message']],
    ['traffic', 'url~a', ['has a field url; is message.url meant?']],
    ['traffic', 'value.url~a', ['is message.url meant?']],
  ])('of %s with --filter %j ends with 2 and says why', async (topic, filter, said) => {
    const { exitCode, stdout, stderr } = await command(['log', 'show', topic, '--data-dir', folder, '--filter', filter])
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' })
    expect(stderr).toContain(`--filter ${JSON.stringify(filter)}`)
    for (const words of said) expect(stderr).toContain(words)
  })

  it.each(['client.name=a', 'value.message.status>=500', 'message.process.pid=1', 'server.container.name=x', 'key=a'])(
    'of traffic takes --filter %s',
    async (filter) => {
      const result = await command(['log', 'show', 'traffic', '--data-dir', folder, '--filter', filter])
      expect(result).toEqual({ exitCode: 0, stdout: '', stderr: '' })
    },
  )

  it('takes every example of its help and of docs/cli.md', async () => {
    const page = readFileSync(new URL('../../docs/cli.md', import.meta.url), 'utf8')
    const help = (await command(['log', 'show', '--help'])).stdout
    const examples = `${page}\n${help}`.match(/^ *syscribe log show .*$/gm) ?? []
    expect(examples.length).toBeGreaterThan(5)
    for (const example of examples) {
      const [line = '', field = ''] = example.trim().split(/ \| jq \./)
      const args = line
        .split(' ')
        .slice(1)
        .map((word) => word.replaceAll("'", ''))
      const more = field === '' ? [] : ['--filter', `${field}!=x`]
      const taken = args.filter((word) => word !== '--follow')
      const { exitCode, stderr } = await command([...taken, ...more, '--data-dir', folder])
      expect({ example, exitCode, stderr }).toEqual({ example, exitCode: 0, stderr: '' })
    }
  })

  it('ends with 2 for a topic or partition that is not there, naming those that are', async () => {
    const topic = await command(['log', 'show', 'calls', '--data-dir', folder])
    expect(topic.exitCode).toBe(2)
    expect(topic.stderr).toContain('no topic "calls" in this log; there is')
    expect(topic.stderr).toContain('processes')
    const partition = await show('--partition', '7')
    expect(partition.exitCode).toBe(2)
    expect(partition.stderr).toContain('no partition 7')
  })

  it('ends with 1 when there is no log, naming the directory', async () => {
    const path = join(folder, 'nothing')
    const { exitCode, stderr } = await command(['log', 'show', 'http'], { SYSCRIBE_DATA_DIR: path })
    expect(exitCode).toBe(1)
    expect(stderr).toContain(path)
  })
})

describe('log topics', () => {
  it('lists topics with what they hold', async () => {
    await append(...three)
    const { exitCode, stdout } = await command(['log', 'topics', '--data-dir', folder])
    expect(exitCode).toBe(0)
    expect(stdout.split('\n')[0]).toMatch(/^TOPIC +PARTITIONS +RECORDS +START +END +SIZE +KEPT$/)
    expect(stdout).toMatch(/^processes +1 +3 +0 +3 +[\d.]+ (B|KiB) +newest of each key$/m)
    expect(stdout).toMatch(/^syscalls +1 +0 +0 +0 +0 B +1 h, 1.0 GiB$/m)
  })

  it('lists them as JSON', async () => {
    const { stdout } = await command(['log', 'topics', '--data-dir', folder, '--json'])
    const http = jsonLines(stdout).find(({ topic }) => topic === 'http')
    expect(http).toMatchObject({ partitions: 1, cleanup: 'delete', offsets: [{ partition: 0, start: 0, end: 0 }] })
  })
})
