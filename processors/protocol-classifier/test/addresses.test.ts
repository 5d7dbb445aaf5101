import { expect, test } from 'vitest'
import { addressText } from '../src/addresses.js'

test.each([
  ['7f000001', '127.0.0.1'],
  ['00000000000000000000000000000000', '::'],
  ['00000000000000000000000000000001', '::1'],
  ['20010db8000000000000000000000000', '2001:db8::'],
  // RFC 5952: 4.1 no leading zeros, 4.2.2 one zero group is not shortened, 4.2.3 the longest run and the first of equal ones.
  ['20010db8000000000000000000010001', '2001:db8::1:1'],
  ['20010db8000000010001000100010001', '2001:db8:0:1:1:1:1:1'],
  ['20010000000000010000000000000001', '2001:0:0:1::1'],
  ['20010db8000000000001000000000001', '2001:db8::1:0:0:1'],
  ['fe80000000000000a1b2c3fffed4e5f6', 'fe80::a1b2:c3ff:fed4:e5f6'],
  ['00000000000000000000ffffc0000201', '192.0.2.1'],
  ['', ''],
  ['0102', ''],
])('%s is %s', (hex, text) => {
  expect(addressText(Buffer.from(hex, 'hex'))).toBe(text)
})
