import { expect, test } from 'vitest'
import { canonicalAddress, isLoopback } from '../src/ip-address.js'

test.each([
  ['10.0.0.5', '10.0.0.5'],
  ['0:0:0:0:0:0:0:1', '::1'],
  ['[2001:DB8::0001]', '2001:db8::1'],
  ['fe80::1%eth0', 'fe80::1'],
  ['::ffff:127.0.0.1', '127.0.0.1'],
  ['example.com', null],
  ['1.2.3', null],
  ['', null],
])('%s', (text, expected) => {
  expect(canonicalAddress(text)).toBe(expected)
})

test('loopback', () => {
  expect(['127.0.0.1', '127.9.9.9', '::1'].map(isLoopback)).toEqual([true, true, true])
  expect(['10.0.0.1', '::2', '127.example', ''].map(isLoopback)).toEqual([false, false, false, false])
})
