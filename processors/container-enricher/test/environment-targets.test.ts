import { expect, test } from 'vitest'
import { environmentTargets } from '../src/environment-targets.js'

const targets = (...entries: string[]): string[] =>
  environmentTargets(Buffer.from(entries.map((entry) => `${entry}\0`).join(''))).map(
    ({ variable, host, port }) => `${variable} ${host} ${port}`,
  )

test.each<[string, string[]]>([
  ['U=postgres://user:pw@db:5433/x', ['db 5433']],
  ['U=postgres://user:p@ss:w0rd@db/x', ['db 5432']],
  ['U=postgresql+asyncpg://db/x', ['db 5432']],
  ['U=http://Reviews.Example.:9080/a?b=http', ['reviews.example 9080']],
  ['U=https://api.example.com', ['api.example.com 443']],
  ['U=mongodb://a:27017,b:27018/db?replicaSet=rs', ['a 27017', 'b 27018']],
  ['U=mongodb+srv://cluster.example.net/x', ['cluster.example.net null']],
  ['U=amqp://u:p@a:5672,amqp://u:p@b:5673', ['a 5672', 'b 5673']],
  ['U=redis://localhost', ['localhost 6379']],
  ['U=jdbc:postgresql://db:5432/app', ['db 5432']],
  ['U=jdbc:sqlserver://db:1434;databaseName=x', ['db 1434']],
  ['U=PLAINTEXT://kafka:29092,SSL://kafka2:9093', ['kafka 29092', 'kafka2 9093']],
  ['U=http://10.0.0.1:80/', []],
  ['U=http://[::1]:80/', []],
  ['U=unix:///var/run/x.sock', []],
  ['U=file://host/path', []],
  ['U=custom://thing', ['thing null']],
  ['U=db:5432', ['db 5432']],
  ['U=db:5432/app', ['db 5432']],
  ['U=k1:9092,k2:9092; k3:9093', ['k1 9092', 'k2 9092', 'k3 9093']],
  ['U=10.0.0.1:5432', []],
  ['U=user:pw@tcp(db:3306)/name', ['db 3306']],
  ['U=host=db port=5433 dbname=x', ['db 5433']],
  ["U=dbname=x host='db' port='5433'", ['db 5433']],
  ['U=Server=tcp:sql,1433;Database=x', ['sql 1433']],
  ['U=Data Source=sql;Port=1', ['sql 1']],
  ['PATH=/usr/bin:/bin', []],
  ['TIME=10:30', []],
  ['LS_COLORS=rs=0:di=01;34', []],
  ['U=db:99999', []],
  ['EMPTY=', []],
])('%s', (entry, expected) => {
  expect(targets(entry)).toEqual(expected.map((one) => `${entry.slice(0, entry.indexOf('='))} ${one}`))
})

test('pairs of host and port', () => {
  expect(targets('DB_HOST=db', 'DB_PORT=5433')).toEqual(['DB_HOST db 5433'])
  expect(targets('PGPORT=5433', 'PGHOST=db')).toEqual(['PGHOST db 5433'])
  expect(targets('spring.redis.host=cache', 'spring.redis.port=6380')).toEqual(['spring.redis.host cache 6380'])
  expect(targets('RATINGS_HOSTNAME=ratings')).toEqual(['RATINGS_HOSTNAME ratings null'])
  expect(targets('DB_HOST=db', 'DB_PORT=tcp://10.0.0.1:1')).toEqual(['DB_HOST db null'])
  expect(targets('DB_HOST=db:77', 'DB_PORT=5433')).toEqual(['DB_HOST db 77'])
  expect(targets('HOST=web', 'PORT=80', 'HOSTNAME=f00')).toEqual([])
})

test('of a repeated variable the first counts; very long values are passed over', () => {
  expect(targets('U=a:1', 'U=b:1')).toEqual(['U a 1'])
  expect(targets(`U=${'x'.repeat(9000)},a:1`)).toEqual([])
  expect(environmentTargets(Buffer.alloc(0))).toEqual([])
})
