import { hostname } from 'node:os'
import { describe, expect, test } from 'vitest'
import { ConfigError, parseConfig, settings, settingsHelp, settingsMarkdown } from '../src/index.js'

const fault = (env: Record<string, string>, flags = {}): ConfigError => {
  try {
    parseConfig({ env, flags })
  } catch (error) {
    if (error instanceof ConfigError) return error
    throw error
  }
  throw new Error('accepted')
}

describe('configuration', () => {
  test('without any variable: the defaults of the proof of concept and ours', () => {
    expect(parseConfig({ env: {} })).toEqual({
      outputPath: '/var/log/ebpf_http_profiler.log',
      envOutputPath: '/var/log/ebpf_http_env.yaml',
      serviceMapPath: null,
      ownProjections: null,
      envPrefixList: null,
      adiProfileAllowed: null,
      containerdSocket: null,
      containerdNamespace: 'default',
      dataDir: '/var/lib/syscribe',
      host: hostname(),
      rawPayload: true,
      captureLimit: 1024 ** 2,
      ringBytes: 64 * 1024 ** 2,
      queueBytes: 256 * 1024 ** 2,
      hooks: 'auto',
      logLevel: 'info',
      retentionBytes: 10 * 1024 ** 3,
      retentionMs: 168 * 3_600_000,
      metricsPort: null,
      brokers: null,
      kafkaTls: null,
      kafkaTlsCa: null,
      kafkaTlsCert: null,
      kafkaTlsKey: null,
      kafkaSaslMechanism: null,
      kafkaSaslUsername: null,
      kafkaSaslPassword: null,
      kafkaSaslPasswordFile: null,
      kafkaTopicPrefix: 'syscribe.',
      kafkaPartitions: 3,
      kafkaReplication: null,
      schemaRegistryUrl: null,
      schemaRegistryUsername: null,
      schemaRegistryPassword: null,
      schemaRegistryPasswordFile: null,
      group: null,
      spoolBytes: 1024 ** 3,
    })
  })

  test('projections of one’s own are modules with their files', () => {
    const parsed = parseConfig({ env: { SYSCRIBE_PROJECTIONS: './slow=/tmp/slow.csv, /opt/a=b/x.js=out.txt' } })
    expect(parsed.ownProjections).toEqual([
      { module: './slow', target: '/tmp/slow.csv' },
      { module: '/opt/a=b/x.js', target: 'out.txt' },
    ])
    for (const text of ['./slow', './slow=', '=out', './slow=out/', 'a=b,']) {
      expect(fault({ SYSCRIBE_PROJECTIONS: text }).message).toContain(`SYSCRIBE_PROJECTIONS=${JSON.stringify(text)}`)
    }
  })

  test('an empty text is the same as none, in a variable and in a flag', () => {
    const empty = Object.fromEntries(Object.values(settings).map((setting) => [setting.variable, '']))
    expect(parseConfig({ env: empty })).toEqual(parseConfig({}))
    expect(parseConfig({ env: { OUTPUT_PATH: '/a' }, flags: { outputPath: '' } }).outputPath).toBe('/a')
  })

  test('a flag wins over its variable', () => {
    expect(parseConfig({ env: { OUTPUT_PATH: '/a' }, flags: { outputPath: '/b' } }).outputPath).toBe('/b')
  })

  test('lists keep case and drop blanks around items', () => {
    const config = parseConfig({ env: { ENV_PREFIX_LIST: 'REVIEWS_, mongo_', ADI_PROFILE_ALLOWED: 'local' } })
    expect(config.envPrefixList).toEqual(['REVIEWS_', 'mongo_'])
    expect(config.adiProfileAllowed).toEqual(['local'])
  })

  test.each([
    ['64M', 64 * 1024 ** 2],
    ['65536', 65536],
    ['1GiB', 1024 ** 3],
    ['128kb', 128 * 1024],
  ])('bytes: %s', (text, bytes) => {
    expect(parseConfig({ env: { SYSCRIBE_RING_BYTES: text } }).ringBytes).toBe(bytes)
  })

  test('0 keeps records for ever', () => {
    const config = parseConfig({ env: { SYSCRIBE_RETENTION_BYTES: '0', SYSCRIBE_RETENTION_HOURS: '0' } })
    expect([config.retentionBytes, config.retentionMs]).toEqual([null, null])
  })

  test.each([
    ['1', true],
    ['off', false],
    ['False', false],
    ['0', false],
  ])('on or off: %s', (text, value) => {
    expect(parseConfig({ env: { SYSCRIBE_RAW_PAYLOAD: text } }).rawPayload).toBe(value)
  })

  test.each([
    ['ENV_PREFIX_LIST', 'A,,B'],
    ['ENV_PREFIX_LIST', ','],
    ['ENV_PREFIX_LIST', 'A=B'],
    ['ADI_PROFILE_ALLOWED', 'local, '],
    ['OUTPUT_PATH', '/var/log/'],
    ['OUTPUT_PATH', '/var/\nlog'],
    ['SYSCRIBE_CAPTURE_LIMIT', '12 apples'],
    ['SYSCRIBE_CAPTURE_LIMIT', '-1'],
    ['SYSCRIBE_CAPTURE_LIMIT', '9'],
    ['SYSCRIBE_RING_BYTES', '100K'],
    ['SYSCRIBE_RING_BYTES', '2G'],
    ['SYSCRIBE_QUEUE_BYTES', '99999999999999999999'],
    ['SYSCRIBE_HOOKS', 'kprobe'],
    ['SYSCRIBE_LOG_LEVEL', 'INFO'],
    ['SYSCRIBE_RAW_PAYLOAD', 'maybe'],
    ['SYSCRIBE_RETENTION_HOURS', '1.5'],
    ['SYSCRIBE_METRICS_PORT', '65536'],
    ['SYSCRIBE_METRICS_PORT', '0.0.0.0'],
    ['KAFKA_BROKERS', 'broker'],
    ['KAFKA_BROKERS', 'a:9092,b:0'],
    ['KAFKA_BROKERS', 'kafka://a:9092'],
    ['KAFKA_SASL_MECHANISM', 'PLAIN'],
    ['KAFKA_TOPIC_PREFIX', 'a b'],
    ['KAFKA_PARTITIONS', '0'],
    ['KAFKA_PARTITIONS', '257'],
    ['SCHEMA_REGISTRY_URL', 'registry:8081'],
    ['SYSCRIBE_GROUP', 'a/b'],
    ['SYSCRIBE_SPOOL_BYTES', '1000'],
  ])('%s=%j is refused, naming both', (variable, value) => {
    const error = fault({ [variable]: value })
    expect(error).toMatchObject({ code: 'config_invalid', variable, value })
    expect(error.message).toContain(variable)
    expect(error.message).toContain(JSON.stringify(value))
  })

  test('a fault in a flag names the flag too', () => {
    expect(fault({}, { hooks: 'x' }).message).toBe(
      '--hooks (SYSCRIBE_HOOKS)="x": must be one of auto, socket, function, syscall',
    )
  })

  test('brokers and addresses to listen at', () => {
    const env = { KAFKA_BROKERS: 'a:9092, [::1]:19092', SYSCRIBE_METRICS_PORT: '9464' }
    expect(parseConfig({ env })).toMatchObject({
      brokers: ['a:9092', '[::1]:19092'],
      metricsPort: { host: '127.0.0.1', port: 9464 },
    })
    const everywhere = parseConfig({ env: { SYSCRIBE_METRICS_PORT: '0.0.0.0:1' } }).metricsPort
    expect(everywhere).toEqual({ host: '0.0.0.0', port: 1 })
    expect(parseConfig({ flags: { metricsPort: '[::]:1' } }).metricsPort).toEqual({ host: '::', port: 1 })
    expect(parseConfig({ env: { SCHEMA_REGISTRY_URL: 'http://r:8081/' } }).schemaRegistryUrl).toBe('http://r:8081')
  })

  const sasl = { KAFKA_SASL_MECHANISM: 'plain', KAFKA_SASL_USERNAME: 'me' }
  test.each([
    [{ KAFKA_TLS_CERT: '/c' }, 'KAFKA_TLS_KEY', 'is needed with KAFKA_TLS_CERT'],
    [{ KAFKA_TLS_KEY: '/k' }, 'KAFKA_TLS_CERT', 'is needed with KAFKA_TLS_KEY'],
    [{ KAFKA_TLS: '0', KAFKA_TLS_CA: '/c' }, 'KAFKA_TLS', 'is off, but KAFKA_TLS_CA is set'],
    [{ KAFKA_TLS: '1' }, 'KAFKA_BROKERS', 'is needed with KAFKA_TLS'],
    [{ KAFKA_TLS_CA: '/c' }, 'KAFKA_BROKERS', 'is needed with KAFKA_TLS_CA'],
    [{ ...sasl, KAFKA_SASL_PASSWORD: 'p' }, 'KAFKA_BROKERS', 'is needed with KAFKA_SASL_MECHANISM'],
    [{ KAFKA_SASL_MECHANISM: 'plain' }, 'KAFKA_SASL_USERNAME', 'is needed with KAFKA_SASL_MECHANISM'],
    [{ KAFKA_SASL_USERNAME: 'me' }, 'KAFKA_SASL_MECHANISM', 'is needed with KAFKA_SASL_USERNAME'],
    [sasl, 'KAFKA_SASL_PASSWORD', 'is needed with KAFKA_SASL_MECHANISM'],
    [{ ...sasl, KAFKA_SASL_PASSWORD: 'p', KAFKA_SASL_PASSWORD_FILE: '/p' }, 'KAFKA_SASL_PASSWORD_FILE', 'choose one'],
    [{ SCHEMA_REGISTRY_PASSWORD: 'p' }, 'SCHEMA_REGISTRY_USERNAME', 'is needed with SCHEMA_REGISTRY_PASSWORD'],
  ])('%j: settings that do not go together are refused', (env, variable, message) => {
    expect(fault(env).variable).toBe(variable)
    expect(fault(env).message).toContain(`${variable} `)
    expect(fault(env).message).toContain(message)
  })

  test('no secret is shown, nor has it a flag', () => {
    const error = fault({ SCHEMA_REGISTRY_URL: 'http://me:hush@registry:8081' })
    expect(`${error.message} ${error.value}`).not.toContain('hush')
    expect(error.message).toContain('SCHEMA_REGISTRY_PASSWORD')
    for (const variable of ['KAFKA_SASL_PASSWORD', 'SCHEMA_REGISTRY_PASSWORD']) {
      expect(settingsHelp().find((row) => row.variable === variable)?.flag).toBeNull()
    }
  })

  test('help and README are made from the table', () => {
    expect(settingsHelp()).toHaveLength(Object.keys(settings).length)
    const lines = settingsMarkdown().split('\n')
    expect(lines).toContain('| `SERVICE_MAP_PATH` | `--service-map FILE` | *no map* | File of the service map, JSON |')
    expect(lines).toHaveLength(Object.keys(settings).length + 3)
  })

  test('every default is a value its own setting accepts', () => {
    for (const setting of Object.values(settings)) {
      if (setting.default !== null) expect(setting.schema.safeParse(setting.default).success).toBe(true)
    }
  })
})
