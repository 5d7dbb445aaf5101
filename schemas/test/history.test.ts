import type { Schema } from 'avsc'
import { describe, expect, test } from 'vitest'
import { committedVersions, currentSchemas, isNewest, topicsWithHistory, withoutDocs } from '../history.mjs'
import { incompatibilities } from '../src/compatibility.js'
import { topicNames, topics, unionSchema } from '../src/index.js'
import { edited, type NamedNode } from './edited-schema.js'

const current = currentSchemas({ topicNames, topics, unionSchema }) as [string, Schema[]][]
const retyped =
  (name: string, type: unknown) =>
  ({ fields }: NamedNode) =>
    Object.assign(fields.find((field) => field.name === name) as object, { type })
const kinds = (schema: readonly unknown[]) => schema.map((branch) => (branch as { name: string }).name)

test('every topic has a history, and no other', () => {
  expect(topicsWithHistory()).toEqual(current.map(([topic]) => topic).sort())
})

describe.each(current)('%s', (topic, schema) => {
  const versions = committedVersions(topic) as Schema[][]

  test('can be read with today’s schema, whichever version wrote it', () => {
    const problems = versions.flatMap((version, index) =>
      incompatibilities(schema, version).map((problem) => `cannot read version ${index + 1}: ${problem}`),
    )
    expect(problems, `topic ${topic}: a schema may only grow; see docs/schemas.md`).toEqual([])
  })

  test('has today’s schema as its newest version', () => {
    expect(isNewest(topic, schema), `topic ${topic} has changed: npm run history -w @syscribe/schemas`).toBe(true)
  })

  test('keeps its kinds where they are: the branch is the first byte of a record', () => {
    for (const version of versions) expect(kinds(schema).slice(0, version.length)).toEqual(kinds(version))
  })
})

describe('a change that old records do not survive is named by its place', () => {
  const syscalls = unionSchema(topics.syscalls.records)
  const traffic = unionSchema(topics.traffic.records)

  test.each<[string, Schema[], Schema[], string[]]>([
    [
      'a new field without a default',
      edited(syscalls, 'SocketIo', ({ fields }) => fields.push({ name: 'mark', type: 'int' })),
      syscalls,
      ['SocketIo.mark: a new field needs a default'],
    ],
    [
      'a field of another type',
      edited(syscalls, 'SocketIo', retyped('length', 'string')),
      syscalls,
      ['SocketIo.length: long cannot be read as string'],
    ],
    [
      'a narrower number',
      edited(syscalls, 'CaptureLoss', retyped('records', 'int')),
      syscalls,
      ['CaptureLoss.records: long cannot be read as int'],
    ],
    [
      'a symbol taken from an enum without default, deep inside',
      edited(traffic, 'EndpointType', ({ symbols }) => symbols.splice(1)),
      traffic,
      ['TrafficMessage', 'TrafficConnection', 'TrafficConnectionEnd'].flatMap((kind) =>
        ['client', 'server'].map((end) => `${kind}.${end}.type: symbol external is gone, and the enum has no default`),
      ),
    ],
    [
      'a kind that is gone',
      syscalls.filter((_, index) => index !== 3),
      syscalls,
      ['CaptureLoss: records of this kind can no longer be read'],
    ],
    [
      'null no longer allowed',
      syscalls,
      edited(syscalls, 'SocketIo', retyped('cookie', ['null', 'long'])),
      ['SocketIo.cookie: null or long cannot be read as long'],
    ],
    [
      'a longer identity',
      edited(syscalls, 'ConnectionId', (node) => Object.assign(node, { size: 16 })),
      syscalls,
      ['SocketIo', 'ConnectionOpened', 'ConnectionClosed'].map(
        (kind) => `${kind}.connection: fixed ConnectionId of 8 bytes cannot be read as fixed ConnectionId of 16 bytes`,
      ),
    ],
    [
      'a field of what an array holds',
      edited(unionSchema(topics.environments.records), 'Variable', ({ fields }) =>
        fields.push({ name: 'of', type: 'int' }),
      ),
      unionSchema(topics.environments.records),
      ['Environment.variables[].of: a new field needs a default'],
    ],
  ])('%s', (_, reader, writer, problems) => {
    expect(incompatibilities(reader, writer)).toEqual(problems)
  })
})

test('documentation alone makes no version', () => {
  const [[topic, schema]] = current as [[string, Schema[]]]
  const other = edited(schema, 'SocketIo', (node) => Object.assign(node, { doc: 'Said in another way.' }))
  expect(isNewest(topic, other)).toBe(true)
  expect(JSON.stringify(withoutDocs(schema))).not.toContain('"doc"')
})
