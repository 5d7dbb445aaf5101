#!/usr/bin/env -S node --initial-heap-size=128
// Batches that pass through count as old heap: below this many megabytes V8 does not search it, which saves a quarter of a derivation's processor time.
import { existsSync } from 'node:fs'

const compiled = new URL('../dist/index.js', import.meta.url)
if (existsSync(compiled)) {
  const { main, processSurroundings } = await import(compiled.href)
  process.exitCode = await main(process.argv.slice(2), processSurroundings())
} else {
  process.stderr.write('syscribe: not built yet: run npm run setup in the checkout.\n')
  process.exitCode = 1
}
