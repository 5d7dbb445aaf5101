import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseConfig } from '@syscribe/runtime'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { kafkaConnection } from '../src/cluster/kafka-connection.js'
import { command } from './command.js'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'syscribe-connection-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const file = (name: string, text: string) => {
  writeFileSync(join(folder, name), text)
  return join(folder, name)
}
const connection = (env: Record<string, string>) =>
  kafkaConnection(parseConfig({ env: { KAFKA_BROKERS: 'a:1,b:2', ...env } }))

test('brokers alone: plain text, no registry, the default prefix', () => {
  expect(connection({})).toEqual({ brokers: ['a:1', 'b:2'], clientId: 'syscribe', prefix: 'syscribe.' })
})

test('everything: certificates and passwords are read from their files', () => {
  const env = {
    KAFKA_TLS_CA: file('ca.pem', 'CA'),
    KAFKA_TLS_CERT: file('cert.pem', 'CERT'),
    KAFKA_TLS_KEY: file('key.pem', 'KEY'),
    KAFKA_SASL_MECHANISM: 'scram-sha-512',
    KAFKA_SASL_USERNAME: 'me',
    KAFKA_SASL_PASSWORD_FILE: file('password', 'hush # hush\n'),
    SCHEMA_REGISTRY_URL: 'https://r',
    SCHEMA_REGISTRY_USERNAME: 'you',
    SCHEMA_REGISTRY_PASSWORD: 'quiet',
    KAFKA_TOPIC_PREFIX: 'p-',
    KAFKA_REPLICATION: '3',
  }
  expect(connection(env)).toMatchObject({
    prefix: 'p-',
    replication: 3,
    tls: { ca: 'CA', cert: 'CERT', key: 'KEY' },
    sasl: { mechanism: 'scram-sha-512', username: 'me', password: 'hush # hush' },
    registry: { url: 'https://r', auth: { username: 'you', password: 'quiet' } },
  })
})

test('TLS with the authorities that Node.js trusts', () => {
  expect(connection({ KAFKA_TLS: '1' }).tls).toEqual({})
  expect(connection({ KAFKA_TLS: '0' }).tls).toBeUndefined()
})

test('a file that cannot be read is told with its variable', () => {
  expect(() => connection({ KAFKA_TLS_CA: join(folder, 'none') })).toThrow(
    /^KAFKA_TLS_CA=".*none" cannot be read: ENOENT/,
  )
})

test.each([[['collect']], [['process', 'all']], [['project', 'http-log']], [['topics', 'create']]])(
  '%j without brokers is bad usage, naming option and variable',
  async (args) => {
    const { exitCode, stderr } = await command(args, { OUTPUT_PATH: join(folder, 'http.log') })
    expect(exitCode).toBe(2)
    expect(stderr).toBe(
      'syscribe: no brokers are named: set --brokers HOST:PORT or KAFKA_BROKERS; syscribe run needs none\n',
    )
  },
)

test.each([
  [['process', 'parser'], 'there is no processor "parser": one of http-parser, protocol-classifier, env-reader, '],
  [['process'], "missing required argument 'name'"],
  [['project', 'map'], 'there is no projection "map": one of http-log, env-yaml, service-map, or all'],
  [['project', 'service-map'], 'service-map has no file: set its option or variable'],
  [['project', 'all', '--target', 'x'], '--target is the file of one projection: name one'],
  [['project', './mine'], './mine is a projection of your own: name it alone, and its file with --target'],
  [['project', 'http-log', '--target', '/no/such/folder/x'], '--target "/no/such/folder/x": there is no folder'],
])('%j is bad usage', async (args, message) => {
  const { exitCode, stderr } = await command(args, { KAFKA_BROKERS: '127.0.0.1:1' })
  expect(exitCode).toBe(2)
  expect(stderr).toContain(message)
})
