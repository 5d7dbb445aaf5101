#!/usr/bin/env node
import { existsSync } from 'node:fs'

const compiled = new URL('../dist/index.js', import.meta.url)
if (existsSync(compiled)) {
  const { main, processSurroundings } = await import(compiled.href)
  process.exitCode = await main(process.argv.slice(2), processSurroundings())
} else {
  process.stderr.write('syscribe: not built yet: run npm run setup in the checkout.\n')
  process.exitCode = 1
}
