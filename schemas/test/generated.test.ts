import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { generateTypes } from '../generate-types.mjs'

test('src/generated.ts is what the schemas give', () => {
  const source = readFileSync(new URL('../src/generated.ts', import.meta.url), 'utf8')
  expect(source, 'run: npm run generate -w @syscribe/schemas').toBe(generateTypes())
})
