#!/usr/bin/env node
// Set-up and start in one process, with nothing but Node's own modules until node_modules is there:
//   node infra/setup/main.mjs PURPOSE [arguments of the command that follows]
// This file keeps to what any Node with modules understands, so that an old one gets a sentence and no syntax error.
import { readFileSync } from 'node:fs'

const { engines } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
const [wantedMajor = 0, wantedMinor = 0] = engines.node.replace('>=', '').split('.').map(Number)
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major < wantedMajor || (major === wantedMajor && minor < wantedMinor)) {
  process.stderr.write(
    `syscribe: Node ${process.versions.node} is too old: install Node ${engines.node.replace('>=', '')} or newer (https://nodejs.org).\n`,
  )
  process.exit(1)
}
if (process.platform !== 'linux') {
  process.stderr.write(
    `syscribe: needs Linux (eBPF), and this is ${process.platform}: run it in a Linux virtual machine.\n`,
  )
  process.exit(1)
}

const { start } = await import('./start.mjs')
await start(process.argv[2], process.argv.slice(3))
