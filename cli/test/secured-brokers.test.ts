import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type OwnBroker, ownBroker } from '@syscribe/test-broker'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { command } from './command.js'

// A real broker that speaks TLS only, and wants a user and a password.

const folder = mkdtempSync(join(tmpdir(), 'syscribe-secured-'))
const file = (name: string) => join(folder, name)
let broker: OwnBroker

/** A key with a certificate for 127.0.0.1 that vouches for itself. */
function certificate(name: string): void {
  const subject = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1']
  const made = ['-keyout', file(`${name}.key`), '-out', file(`${name}.pem`)]
  execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', ...subject, ...made], {
    stdio: 'ignore',
  })
}

beforeAll(async () => {
  certificate('broker')
  certificate('other')
  const text = (name: string) => readFileSync(file(name), 'utf8')
  writeFileSync(file('keystore.pem'), text('broker.key') + text('broker.pem'))
  writeFileSync(file('password'), 'hush hush\n')
  const login = 'org.apache.kafka.common.security.plain.PlainLoginModule required'
  broker = await ownBroker({
    'listener.security.protocol.map': 'PLAINTEXT:SASL_SSL,CONTROLLER:PLAINTEXT',
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.location': file('keystore.pem'),
    'ssl.truststore.type': 'PEM',
    'ssl.truststore.location': file('broker.pem'),
    'sasl.enabled.mechanisms': 'PLAIN',
    'sasl.mechanism.inter.broker.protocol': 'PLAIN',
    'listener.name.plaintext.plain.sasl.jaas.config': `${login} username="broker" password="b" user_broker="b" user_me="hush hush";`,
  })
}, 180_000)
afterAll(async () => {
  await broker?.stop()
  rmSync(folder, { recursive: true, force: true })
})

const settings = () => ({
  KAFKA_BROKERS: broker.brokers.join(','),
  KAFKA_PARTITIONS: '1',
  KAFKA_TLS_CA: file('broker.pem'),
  KAFKA_SASL_MECHANISM: 'plain',
  KAFKA_SASL_USERNAME: 'me',
})

test('brokers over TLS, with a user and a password from a file', { timeout: 120_000 }, async () => {
  const env = { ...settings(), KAFKA_SASL_PASSWORD_FILE: file('password') }
  const { exitCode, stdout, stderr } = await command(['topics', 'create'], env)
  expect([exitCode, stderr]).toEqual([0, ''])
  expect(stdout).toMatch(/^syscalls +1 /m)
})

test.each([
  ['another password', { KAFKA_SASL_PASSWORD: 'not it' }],
  ['an authority that did not vouch for them', { KAFKA_SASL_PASSWORD: 'hush hush', KAFKA_TLS_CA: '' }],
])('%s: an error in a sentence, without the password', { timeout: 120_000 }, async (_, env) => {
  const other = 'KAFKA_TLS_CA' in env ? { KAFKA_TLS_CA: file('other.pem') } : {}
  const { exitCode, stderr } = await command(['topics', 'create'], { ...settings(), ...env, ...other })
  expect(exitCode).toBe(1)
  expect(stderr).toMatch(/^syscribe: .*\n$/)
  expect(stderr).toMatch(/authenticat|certificate/i)
  expect(stderr).not.toMatch(/not it|hush/)
})
