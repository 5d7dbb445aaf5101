import type { Environment } from '@syscribe/schemas'
import fc from 'fast-check'
import { loadAll } from 'js-yaml'
import { expect, test } from 'vitest'
import { yamlDocument } from '../src/yaml-document.js'
import { loadWithPyYaml } from './load-with-pyyaml.js'

function environment(change: Partial<Environment> = {}): Environment {
  return {
    process: { host: 'h', boot: Buffer.alloc(16), pid: 12345, processStart: 1 },
    time: 0,
    timeNanos: 0,
    comm: 'python3',
    cmdline: '/usr/bin/python3 /app/server.py --port 9080',
    profile: 'local',
    profileName: null,
    variables: [],
    invalidUtf8: [],
    error: null,
    ...change,
  }
}
const withVariables = (pairs: [string, string][]) =>
  environment({ variables: pairs.map(([name, value]) => ({ name, value })) })

/** The variables as three parsers read them back. */
function readBack(environments: Environment[]): [string, [string, unknown][][]][] {
  const text = environments.map(yamlDocument).join('')
  const entries = (documents: unknown[]) =>
    documents.map((one) => Object.entries((one as { adi_profile_env: object }).adi_profile_env))
  return [
    ['js-yaml', entries(loadAll(text))],
    ['PyYAML', entries(loadWithPyYaml(text, 'python'))],
    ['libyaml', entries(loadWithPyYaml(text, 'c'))],
  ]
}

test('a document looks as documented', () => {
  expect(
    yamlDocument({
      ...withVariables([
        ['PATH', '/usr/local/bin:/usr/bin:/bin'],
        ['RATINGS_HOSTNAME', 'ratings'],
      ]),
      profileName: 'reviews',
    }),
  ).toBe(`---
adi_profile_pid: 12345
adi_profile_match: "local"
adi_profile_name: "reviews"
adi_profile_cmdline: "/usr/bin/python3 /app/server.py --port 9080"
adi_profile_env:
  PATH: "/usr/local/bin:/usr/bin:/bin"
  RATINGS_HOSTNAME: "ratings"
`)
})

test('no variable after the filter is an empty mapping', () => {
  expect(yamlDocument(environment())).toContain('\nadi_profile_env: {}\n')
})

test('an environment that could not be had has an error and no variables; a cut one has both', () => {
  const failed = yamlDocument(environment({ error: 'open /proc/9/environ: no such file or directory' }))
  expect(failed).toMatch(/9080"\nerror: "open \/proc\/9\/environ: no such file or directory"\n$/)
  const cut = yamlDocument({ ...withVariables([['A', '1']]), error: 'cut at 131072 bytes' })
  expect(cut).toMatch(/adi_profile_env:\n {2}A: "1"\nerror: "cut at 131072 bytes"\n$/)
})

test('variables with invalid UTF-8 are listed', () => {
  const text = yamlDocument({ ...withVariables([['A', '\ufffd']]), invalidUtf8: ['A', 'no'] })
  expect(loadAll(text)).toMatchObject([{ adi_profile_env: { A: '\ufffd' }, adi_profile_env_invalid_utf8: ['A', 'no'] }])
  expect(yamlDocument(environment())).not.toContain('invalid')
})

const awkward = [
  ...[
    '',
    ' ',
    '  lead',
    'trail ',
    '\t',
    '\n',
    '\n\n',
    'a\nb',
    'a\r\nb',
    '\r',
    'a: b',
    'a #b',
    '#',
    ':',
    '-',
    '- a',
    '?',
  ],
  ...[
    'yes',
    'no',
    'y',
    'N',
    'on',
    'Off',
    'true',
    'FALSE',
    'null',
    '~',
    'Null',
    '=',
    '<<',
    '0123',
    '0o17',
    '0x1F',
    '1_000',
  ],
  ...[
    '1e3',
    '.5',
    '.inf',
    '-.INF',
    '.nan',
    '1:30',
    '2001-01-01',
    '2001-12-14t21:59:43.10-05:00',
    '---',
    '...',
    '%YAML',
  ],
  ...[
    '"',
    "'",
    '\\',
    '\\n',
    '""',
    "''",
    '{a: b}',
    '[a]',
    '&a',
    '*a',
    '!a',
    '!!int 1',
    '|',
    '>',
    '@',
    '`',
    '$(x)',
    '|\n x',
  ],
  ...[
    '\u0085',
    '\u2028',
    '\u2029',
    '\ufeff',
    'a\ufeff',
    '\u00a0',
    '\ufffd',
    '\ufffe',
    '\uffff',
    '\u{1f600}',
    '\u{10ffff}',
  ],
  ...['\x01', '\x07', '\x1b[0m', '\x1f', '\x7f', '\x80', '\x9f', '\u200b', '\u202e', '\ud7ff', '\ue000', '__proto__'],
  ...['constructor', 'é', 'x'.repeat(100_000), '\n'.repeat(5000), '"'.repeat(2000), `${'long line '.repeat(500)}\n`],
]

test('awkward values and names load back equal with every parser', () => {
  const values = awkward.map((value): [string, string] => ['V', value])
  const names = awkward
    .filter((name) => !name.includes('=') && name.length < 10_000)
    .map((name): [string, string] => [name, 'v'])
  const pairs = [...values, ...names]
  for (const [parser, documents] of readBack(pairs.map((pair) => withVariables([pair])))) {
    expect(documents, parser).toEqual(pairs.map((pair) => [pair]))
  }
})

test('whatever text loads back equal with every parser, in order', () => {
  const piece = fc.oneof(
    { weight: 3, arbitrary: fc.string({ unit: 'binary' }) },
    { weight: 1, arbitrary: fc.string({ unit: 'grapheme' }) },
    { weight: 2, arbitrary: fc.constantFrom(...awkward.filter((value) => value.length < 100)) },
    {
      weight: 2,
      arbitrary: fc.string({ unit: fc.constantFrom(...' \t\n\r:#"\'\\-?,[]{}&*!|>%@`~=\u0085\u2028\ufeff') }),
    },
  )
  // What reaches this place was decoded from UTF-8, so it has no lone surrogates; and C strings hold no NUL.
  const text = fc
    .array(piece, { maxLength: 4 })
    .map((pieces) => Buffer.from(pieces.join('')).toString().replaceAll('\0', ''))
  // Objects list names that are numbers before the others, whatever their order in the file.
  const name = text.map((value) => (/^\d+$/.test(value) ? `n${value}` : value))
  const variables = fc.uniqueArray(fc.tuple(name, text), { selector: ([one]) => one, maxLength: 6 })
  fc.assert(
    fc.property(fc.array(variables, { maxLength: 30 }), (all) => {
      for (const [parser, documents] of readBack(all.map(withVariables))) expect(documents, parser).toEqual(all)
    }),
    { numRuns: 12 },
  )
})
