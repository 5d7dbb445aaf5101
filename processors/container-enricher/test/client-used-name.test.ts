import { expect, test } from 'vitest'
import { type ClientView, clientUsedName } from '../src/client-used-name.js'
import { requestHost } from '../src/request-host.js'

const view = (change: Partial<ClientView>): ClientView => ({
  address: '10.0.0.5',
  port: 5432,
  host: null,
  serverName: null,
  targets: [],
  hosts: [],
  answers: [],
  ...change,
})
const target = (host: string, port: number | null = 5432, variable = 'DB') => ({ variable, host, port })
const named = (change: Partial<ClientView>): string => {
  const { name, reason } = clientUsedName(view(change))
  return `${name} (${reason})`
}
const environment = 'variable DB of its client'

test('what the client said comes before what it knew, a name before an address', () => {
  const host = { text: 'api', kind: 'name' } as const
  const literal = { text: '10.0.0.5', kind: 'literal' } as const
  const answers = [{ name: 'dns', address: '10.0.0.5', time: 1 }]
  const targets = [target('env')]
  const hosts = [{ address: '10.0.0.5', names: ['hosts'] }]
  const all = { host, serverName: 'SNI', answers, targets, hosts }
  expect(named(all)).toBe('api (HTTP Host header)')
  expect(named({ ...all, host: literal })).toBe('sni (TLS server name)')
  expect(named({ ...all, host: null })).toBe('sni (TLS server name)')
  expect(named({ ...all, host: literal, serverName: null })).toBe('dns (DNS answer to its client)')
  expect(named({ host: literal, targets, hosts })).toBe(`env (${environment})`)
  expect(named({ host: literal, hosts })).toBe('hosts (/etc/hosts of its client)')
  expect(named({ host: { text: 'localhost', kind: 'literal' } })).toBe('localhost (HTTP Host header)')
  expect(named({})).toBe('10.0.0.5 (address)')
  expect(named({ address: '2001:db8::1' })).toBe('2001:db8::1 (address)')
})

test('the latest DNS answer with the address counts', () => {
  const answers = [
    { name: 'old', address: '10.0.0.5', time: 1 },
    { name: 'new', address: '10.0.0.5', time: 2 },
    { name: 'else', address: '10.0.0.6', time: 3 },
  ]
  expect(named({ answers })).toBe('new (DNS answer to its client)')
})

test('of several names answered for one address the environment says which has the port', () => {
  const answers = ['postgres', 'redis'].map((name, time) => ({ name, address: '10.0.0.5', time }))
  const targets = [target('postgres'), target('redis', 6379)]
  expect(named({ answers, targets })).toBe(`postgres (${environment})`)
  expect(named({ answers, targets, port: 6379 })).toBe(`redis (${environment})`)
  expect(named({ answers, targets, port: 1 })).toBe('redis (DNS answer to its client)')
})

test('the only host of the environment with the port is taken, of several none', () => {
  expect(named({ targets: [target('db'), target('cache', 6379)] })).toBe(`db (${environment})`)
  expect(named({ targets: [target('db'), target('db', 5432, 'OTHER')] })).toBe(`db (${environment})`)
  expect(named({ targets: [target('db'), target('replica')] })).toBe('10.0.0.5 (address)')
  expect(named({ targets: [target('db', null)] })).toBe('10.0.0.5 (address)')
})

test('of several hosts the one known to have the address is taken', () => {
  const targets = [target('db'), target('replica')]
  const hosts = [{ address: '10.0.0.5', names: ['replica', 'other'] }]
  expect(named({ targets, hosts })).toBe(`replica (${environment})`)
  expect(named({ targets: [target('replica', null)], hosts })).toBe(`replica (${environment})`)
})

test('a host known to be elsewhere is not taken', () => {
  expect(named({ targets: [target('db')], hosts: [{ address: '10.0.0.9', names: ['db'] }] })).toBe('10.0.0.5 (address)')
  expect(named({ targets: [target('db')], answers: [{ name: 'db', address: '10.0.0.9', time: 1 }] })).toBe(
    '10.0.0.5 (address)',
  )
})

test('several services on one address are told apart by the port', () => {
  const hosts = [{ address: '127.0.0.1', names: ['postgres', 'redis'] }]
  const targets = [target('postgres'), target('redis', 6379)]
  expect(named({ address: '127.0.0.1', targets, hosts })).toBe(`postgres (${environment})`)
  expect(named({ address: '127.0.0.1', port: 6379, targets, hosts })).toBe(`redis (${environment})`)
  expect(named({ address: '127.0.0.1', port: 4222, targets, hosts })).toBe('127.0.0.1 (address)')
  const noPorts = [target('postgres', null), target('redis', null)]
  expect(named({ address: '127.0.0.1', targets: noPorts, hosts })).toBe('127.0.0.1 (address)')
})

test('localhost is taken for loopback only, and after real names', () => {
  expect(named({ address: '127.0.0.1', targets: [target('localhost')] })).toBe(`localhost (${environment})`)
  expect(named({ targets: [target('localhost')] })).toBe('10.0.0.5 (address)')
  expect(named({ address: '127.0.0.1', targets: [target('localhost'), target('db')] })).toBe(`db (${environment})`)
})

test('/etc/hosts counts where it has one name for the address', () => {
  const hosts = (...names: string[]) => ({ hosts: [{ address: '10.0.0.5', names }] })
  expect(named(hosts('db.internal', 'db'))).toBe('db.internal (/etc/hosts of its client)')
  expect(named(hosts('postgres', 'redis'))).toBe('10.0.0.5 (address)')
  expect(named({ address: '::ffff:10.0.0.5', ...hosts('db') })).toBe('db (/etc/hosts of its client)')
  const own = { hosts: [{ address: '127.0.1.1', names: ['laptop'] }] }
  expect(named({ address: '127.0.1.1', ...own })).toBe('127.0.1.1 (address)')
})

test.each<[string, string, string | null]>([
  ['/', 'example.com', 'name example.com'],
  ['/', 'Example.COM.:8080', 'name example.com'],
  ['/', '127.0.0.1:8080', 'literal 127.0.0.1'],
  ['/', '[::1]:8080', 'literal ::1'],
  ['/', 'localhost:8080', 'literal localhost'],
  ['/', 'my_service', 'name my_service'],
  ['/', '', null],
  ['/', 'two words', null],
  ['/', 'a/../b', null],
  ['/', 'x:y', null],
  ['http://example.com/', 'example.com', null],
])('request target %s with Host %s', (url, value, expected) => {
  const host = requestHost({ method: 'GET', url, headers: [{ name: 'hOST', value }] })
  expect(host === null ? null : `${host.kind} ${host.text}`).toBe(expected)
})

test('a request without Host, and one for a tunnel, say nothing', () => {
  expect(requestHost({ method: 'GET', url: '/', headers: [] })).toBeNull()
  expect(requestHost({ method: 'CONNECT', url: 'a:443', headers: [{ name: 'Host', value: 'a:443' }] })).toBeNull()
})
