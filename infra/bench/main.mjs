// `npm run bench -- NAME [arguments]`: runs tests/bench/NAME.ts, compiled.
import { existsSync, readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))
const sources = join(root, 'tests/bench')
const names = (existsSync(sources) ? readdirSync(sources) : [])
  .filter((file) => file.endsWith('.ts'))
  .map((file) => basename(file, '.ts'))
  .sort()
const [name, ...args] = process.argv.slice(2)

if (name === undefined || name === '--help' || name === '-h') {
  process.stdout.write(`Usage: npm run bench -- NAME [arguments]\n\nBenchmarks: ${names.join(', ') || 'none'}\n`)
  process.exit(name === undefined ? 2 : 0)
}
if (!names.includes(name)) {
  process.stderr.write(`syscribe: no benchmark ${name}; there is ${names.join(', ') || 'none'}.\n`)
  process.exit(2)
}
const compiled = [`tests/dist/bench/${name}.js`, `tests/bench/dist/${name}.js`]
  .map((path) => join(root, path))
  .find(existsSync)
if (compiled === undefined) {
  process.stderr.write(`syscribe: tests/bench/${name}.ts is not compiled: tests/tsconfig.json must include bench.\n`)
  process.exit(1)
}
process.argv = [process.argv[0] ?? 'node', compiled, ...args]
await import(pathToFileURL(compiled).href)
