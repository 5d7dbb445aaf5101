import { describe, expect, it } from 'vitest'
import { addressText, bytesJson, recordJson } from '../src/log/record-json.js'

describe('addressText', () => {
  it.each([
    ['7f000001', '127.0.0.1'],
    ['00000000000000000000000000000001', '::1'],
    ['00000000000000000000000000000000', '::'],
    ['20010db8000000000001000000000001', '2001:db8::1:0:0:1'],
    ['20010db8000100000001000100010001', '2001:db8:1:0:1:1:1:1'],
    ['fe800000000000000000000000000000', 'fe80::'],
    ['20010db8000a000000000000000b0010', '2001:db8:a::b:10'],
    ['10000000000100000000000000000001', '1000:0:1::1'],
    ['', ''],
  ])('%s is %s', (hex, text) => {
    expect(addressText(Buffer.from(hex, 'hex'))).toBe(text)
  })
})

describe('recordJson', () => {
  it('shows a type defined in one union branch and mentioned in another', () => {
    const id = { type: 'fixed', name: 'Id', namespace: 'syscribe', size: 2 }
    const union = [
      { type: 'record', name: 'A', namespace: 'syscribe', fields: [{ name: 'id', type: id }] },
      {
        type: 'record',
        name: 'B',
        namespace: 'syscribe',
        fields: [{ name: 'ids', type: { type: 'array', items: 'syscribe.Id' } }],
      },
    ]
    expect(recordJson(union, { 'syscribe.B': { ids: [Buffer.from([1, 2])] } })).toEqual({ ids: ['0102'] })
  })

  it('keeps times exact to the microsecond', () => {
    const time = { type: 'long', logicalType: 'timestamp-micros' }
    expect(recordJson(time, 1_764_000_000_000_009)).toBe('2025-11-24T16:00:00.000009Z')
  })

  it('shows bytes as text only when they are UTF-8', () => {
    expect(bytesJson(Buffer.from('é'))).toBe('é')
    expect(bytesJson(Buffer.from([0xc3]))).toEqual({ base64: 'ww==' })
  })
})
