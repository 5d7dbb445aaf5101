import { appendFile, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { InputRecord, KeyedState, ProjectionInstance } from '@syscribe/runtime'
import { type Environment, TopicCodec, type TopicName } from '@syscribe/schemas'
import { loadAll } from 'js-yaml'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { envYaml } from '../src/index.js'

const codec = new TopicCodec('environments')
const noState = new Map() as unknown as KeyedState<null>
let folder: string
let target: string
let warnings: string[]

const open = (metadata: string | null): Promise<ProjectionInstance<null>> =>
  envYaml.open(target, metadata, { rawPayload: true, warn: (warning) => void warnings.push(warning) })

function apply(instance: ProjectionInstance<null>, ...pids: number[]): void {
  for (const pid of pids) {
    const environment: Environment = {
      process: { host: 'h', boot: Buffer.alloc(16), pid, processStart: 1 },
      time: pid,
      timeNanos: 0,
      comm: 'a',
      cmdline: `a ${pid}`,
      profile: 'local',
      profileName: null,
      variables: [{ name: 'A', value: 'x'.repeat(pid) }],
      invalidUtf8: [],
      error: null,
    }
    const input: InputRecord = {
      topic: 'environments',
      partition: 0,
      offset: pid,
      timestamp: pid,
      key: null,
      value: codec.encode('Environment', environment),
      codec: codec as unknown as TopicCodec<TopicName>,
    }
    instance.apply(input, noState)
  }
}

async function pids(): Promise<number[]> {
  const documents = loadAll(await readFile(target, 'utf8')) as { adi_profile_pid: number }[]
  return documents.map((one) => one.adi_profile_pid)
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'env-yaml-'))
  target = join(folder, 'env.yaml')
  warnings = []
})
afterEach(() => rm(folder, { recursive: true }))

test('documents are written in the order of the log, for the owner only', async () => {
  const instance = await open(null)
  apply(instance, 5, 3)
  expect(await readFile(target, 'utf8')).toBe('')
  await instance.flush(noState, false)
  apply(instance, 4)
  await instance.flush(noState, true)
  await instance.close()
  expect(await pids()).toEqual([5, 3, 4])
  expect((await stat(target)).mode & 0o777).toBe(0o600)
})

test('after a crash the documents behind the last commit are written once', async () => {
  const first = await open(null)
  apply(first, 1, 2)
  const committed = await first.flush(noState, false)
  apply(first, 3)
  await first.flush(noState, false)
  await appendFile(target, '---\nadi_profile_p')
  await first.close()

  const second = await open(committed)
  expect(await pids()).toEqual([1, 2])
  apply(second, 3, 4)
  await second.flush(noState, true)
  await second.close()
  expect(await pids()).toEqual([1, 2, 3, 4])
  expect(warnings).toEqual([])
})

test('a file that is gone, shorter or another one begins anew, and it is said', async () => {
  const first = await open(null)
  apply(first, 1, 2)
  const committed = await first.flush(noState, true)
  await first.close()
  const changes = [() => rm(target), () => writeFile(target, '---\n'), () => writeFile(target, 'else\n'.repeat(100))]
  for (const [index, change] of changes.entries()) {
    await change()
    const next = await open(committed)
    apply(next, 3)
    await next.flush(noState, true)
    await next.close()
    expect(await pids()).toEqual([3])
    expect(warnings).toHaveLength(index + 1)
    expect(warnings[index]).toContain(target)
  }
})

test('a target that cannot be written is an error that names it and says why', async () => {
  target = join(folder, 'missing', 'env.yaml')
  await expect(open(null)).rejects.toThrow(
    expect.objectContaining({
      code: 'target_unwritable',
      message: `cannot write ${target}: its directory does not exist`,
    }),
  )
})

test('documents that could not be written stay due', async () => {
  target = '/dev/full'
  const instance = await open(null)
  apply(instance, 1)
  await expect(instance.flush(noState, false)).rejects.toThrow(expect.objectContaining({ code: 'target_unwritable' }))
  await expect(instance.flush(noState, false)).rejects.toThrow(expect.objectContaining({ code: 'target_unwritable' }))
  await instance.close()
})
