import { randomBytes } from 'node:crypto'
import { parseConfig } from '@syscribe/runtime'
import { type TestBroker, testBroker } from '@syscribe/test-broker'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { brokerChecks } from '../src/doctor/broker-check.js'
import { command, jsonLines } from './command.js'

let broker: TestBroker
beforeAll(async () => {
  broker = await testBroker()
}, 180_000)
afterAll(() => broker?.stop())

const env = () => ({
  KAFKA_BROKERS: broker.brokers.join(','),
  KAFKA_TOPIC_PREFIX: `check-${randomBytes(6).toString('hex')}.`,
  KAFKA_PARTITIONS: '2',
})
const checks = (variables: Record<string, string>) => brokerChecks(parseConfig({ env: variables }))

test('topics create makes the topics, changes their retention, and says what it cannot change', async () => {
  const variables = env()
  expect(await checks(variables)).toMatchObject([{ ok: true, detail: expect.stringContaining('; 0 of ') }])
  const made = await command(['topics', 'create', '--retention-hours', '2'], variables)
  expect(made.stderr).toBe('')
  expect(made.stdout).toMatch(/^syscalls +2 .* 2 h, 10\.0 GiB$/m)
  const changed = await command(['topics', 'create', '--retention-hours', '3'], variables)
  expect(changed.stdout).toMatch(/^syscalls +2 .* 3 h, 10\.0 GiB$/m)
  const more = await command(['topics', 'create', '--partitions', '3'], variables)
  expect(more).toMatchObject({
    exitCode: 1,
    stderr: expect.stringMatching(/topic \S+ exists with partitions 2, not 3/),
  })

  expect(await checks(variables)).toMatchObject([{ ok: true, detail: expect.stringMatching(/; (\d+) of \1 topics/) }])
  expect(await checks({ ...variables, KAFKA_PARTITIONS: '3' })).toMatchObject([
    {
      ok: false,
      detail: expect.stringContaining('has 2 partitions, not 3'),
      remedy: expect.stringContaining('KAFKA_PARTITIONS=2'),
    },
  ])
  const listed = await command(['log', 'topics', '--json'], variables)
  expect(jsonLines(listed.stdout)).toContainEqual(expect.objectContaining({ topic: 'http', partitions: 2 }))
}, 120_000)

test('a part whose settings disagree with a topic ends, naming topic and setting', async () => {
  const variables = env()
  await command(['topics', 'create'], variables)
  const args = ['process', 'env-reader', '--retention-hours', '1']
  const { exitCode, stderr } = await command(args, variables)
  expect(exitCode).toBe(1)
  expect(stderr).toMatch(
    /^syscribe: topic \S+ exists with retentionMs 604800000, not 3600000: give every part the same/,
  )
}, 120_000)

test('brokers that do not answer are told in a sentence, with the setting', async () => {
  const variables = { KAFKA_BROKERS: '127.0.0.1:1' }
  expect(await checks(variables)).toMatchObject([
    { ok: false, detail: expect.stringContaining('KAFKA_BROKERS=127.0.0.1:1') },
  ])
  const { exitCode, stderr } = await command(['status', '--once'], variables)
  expect(exitCode).toBe(1)
  expect(stderr).toMatch(/^syscribe: the brokers cannot be reached \(KAFKA_BROKERS=127\.0\.0\.1:1\): .*ECONNREFUSED/)
}, 120_000)

test('without brokers there is nothing to check', async () => {
  expect(await checks({})).toEqual([])
})
