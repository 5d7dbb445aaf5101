import { describe, expect, test } from 'vitest'
import { decideConsent } from '../src/consent.js'
import { firstValue, isOverwritten, withPrefixes } from '../src/environment-block.js'

const block = (...strings: string[]) => Buffer.from(strings.map((string) => `${string}\0`).join(''))

describe('the opt-in rules', () => {
  const scenarios: [string, string[], string[], string | null][] = [
    ['set, no list', ['ADI_PROFILE=local'], [], 'local'],
    ['set and on the list', ['ADI_PROFILE=local'], ['local', 'dev'], 'local'],
    ['set and not on the list', ['ADI_PROFILE=prod'], ['local', 'dev'], null],
    ['disabled', ['ADI_PROFILE=local', 'ADI_PROFILE_DISABLED=1'], ['local'], null],
    ['not set', ['PATH=/bin'], ['local'], null],
    ['empty value, no list', ['ADI_PROFILE='], [], ''],
    ['empty value is on no list', ['ADI_PROFILE='], ['local'], null],
    ['disabled by another value is not disabled', ['ADI_PROFILE=a', 'ADI_PROFILE_DISABLED=0'], [], 'a'],
    ['the first of two counts', ['ADI_PROFILE=dev', 'ADI_PROFILE=prod'], ['dev'], 'dev'],
    ['the first of two counts, when it forbids', ['ADI_PROFILE=prod', 'ADI_PROFILE=dev'], ['dev'], null],
    ['a value with spaces', ['ADI_PROFILE=my laptop'], ['my laptop'], 'my laptop'],
    ['a longer name is another variable', ['ADI_PROFILE_X=1', 'XADI_PROFILE=1'], [], null],
    ['behind 100 KB', [`BIG=${'x'.repeat(100_000)}`, 'ADI_PROFILE=late'], [], 'late'],
  ]
  test.each(scenarios)('%s', (_name, environment, allowed, profile) => {
    expect(decideConsent(block(...environment), allowed)?.profile ?? null).toBe(profile)
  })
})

test('names come with the consent', () => {
  expect(decideConsent(block('ADI_PROFILE=a', 'ADI_PROFILE_NAME=reviews'), [])).toEqual({
    profile: 'a',
    profileName: 'reviews',
  })
})

test('prefixes keep whole variables, case-sensitive, in order', () => {
  const kept = withPrefixes(block('MONGO_A=1', 'mongo_b=2', 'X=MONGO_', 'DETAILS_C=\n3'), ['DETAILS_', 'MONGO_'])
  expect(kept).toEqual(block('MONGO_A=1', 'DETAILS_C=\n3'))
  expect(withPrefixes(block('A=1'), [])).toEqual(block('A=1'))
})

test('a title written over the environment is told from an environment', () => {
  expect(isOverwritten(block('A=1', 'B='))).toBe(false)
  expect(isOverwritten(Buffer.alloc(0))).toBe(false)
  expect(isOverwritten(Buffer.alloc(200))).toBe(true)
  expect(isOverwritten(block('rocess /usr/sbin/nginx -g', 'A=1'))).toBe(true)
})

test('a last string without its NUL is read', () => {
  expect(firstValue(Buffer.from('A=1\0B=2'), 'B')).toBe('2')
})
