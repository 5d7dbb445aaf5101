import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openKafkaLog } from '@syscribe/log'
import { type OwnBroker, ownBroker } from '@syscribe/test-broker'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { batchOf, expectFault, record, settings, values } from './contract/contract-log.js'
import { randomPrefix } from './kafka/engine.js'

let broker: OwnBroker
let folder: string
let ca: Buffer
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'syscribe-tls-'))
  const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')]
  const names = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1']
  const make = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-keyout', key, '-out', certificate]
  execFileSync('openssl', [...make, ...names], { stdio: 'ignore' })
  ca = readFileSync(certificate)
  const both = join(folder, 'both.pem')
  writeFileSync(both, Buffer.concat([readFileSync(key), ca]))
  const plain = 'org.apache.kafka.common.security.plain.PlainLoginModule required username="broker" password="b"'
  broker = await ownBroker(
    (port, controller) => ({
      listeners: `SECURE://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controller}`,
      'advertised.listeners': `SECURE://127.0.0.1:${port}`,
      'listener.security.protocol.map': 'SECURE:SASL_SSL,CONTROLLER:PLAINTEXT',
      'inter.broker.listener.name': 'SECURE',
      'sasl.mechanism.inter.broker.protocol': 'PLAIN',
      'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
      'listener.name.secure.plain.sasl.jaas.config': `${plain} user_broker="b" user_plain="secret";`,
      'listener.name.secure.scram-sha-256.sasl.jaas.config':
        'org.apache.kafka.common.security.scram.ScramLoginModule required;',
      'listener.name.secure.scram-sha-512.sasl.jaas.config':
        'org.apache.kafka.common.security.scram.ScramLoginModule required;',
      'ssl.keystore.type': 'PEM',
      'ssl.keystore.location': both,
      'ssl.truststore.type': 'PEM',
      'ssl.truststore.location': certificate,
      // Sessions end while the test is on.
      'connections.max.reauth.ms': '3000',
    }),
    [
      ...['--add-scram', 'SCRAM-SHA-256=[name=short,password=secret]'],
      ...['--add-scram', 'SCRAM-SHA-512=[name=long,password=secret]'],
    ],
  )
}, 300_000)
afterAll(async () => {
  await broker.stop()
  rmSync(folder, { recursive: true })
})

it.each([
  ['plain', 'plain'],
  ['scram-sha-256', 'short'],
  ['scram-sha-512', 'long'],
] as const)(
  'TLS with SASL %s: everything works, beyond the end of a session',
  async (mechanism, username) => {
    const sasl = { mechanism, username, password: 'secret' }
    const log = await openKafkaLog({ brokers: broker.brokers, prefix: randomPrefix(), tls: { ca }, sasl })
    await log.createTopics([settings('out')])
    const producer = await log.producer({ transactionalId: 'id' })
    const began = performance.now()
    let count = 0
    for (; performance.now() - began < 5000; count++) {
      const batches = [{ topic: 'out', partition: 0, batch: batchOf([record(`${count}`)]) }]
      await producer.commit({
        batches,
        group: 'g',
        offsets: [{ topic: 'out', partition: 0, offset: count, metadata: '' }],
      })
    }
    expect(await values(log, 'out')).toEqual(Array.from({ length: count }, (_, index) => `${index}`))
    await log.close()
  },
  60_000,
)

it('refuses who is not known, and whom it does not know', async () => {
  const { brokers } = broker
  const known = { mechanism: 'plain', username: 'plain', password: 'secret' } as const
  const wrong = openKafkaLog({ brokers, tls: { ca }, sasl: { ...known, password: 'guess' }, operationTimeoutMs: 3000 })
  await expectFault(wrong, 'unavailable', 'SASL')
  await expectFault(
    openKafkaLog({ brokers, tls: true, sasl: known, operationTimeoutMs: 2000 }),
    'unavailable',
    'certificate',
  )
}, 60_000)
