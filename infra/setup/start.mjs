import { fileURLToPath } from 'node:url'
import { setUp } from './setup.mjs'
import { SetupError } from './setup-error.mjs'

const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '')

/**
 * What each npm script is: the purpose to set up for, whether it needs root, and what follows. What follows runs in
 * this very process, so that signals and the exit code are its own.
 *
 * @type {Record<string, { purpose: import('./purposes.mjs').Purpose, root: string | null,
 *   follow: (args: string[]) => Promise<void> }>}
 */
const commands = {
  setup: { purpose: 'test', root: null, follow: async () => {} },
  run: { purpose: 'build', root: 'loading eBPF programs', follow: (args) => syscribe(['run', ...args]) },
  demo: { purpose: 'demo', root: 'loading eBPF programs', follow: (args) => syscribe(['demo', ...args]) },
  test: { purpose: 'test', root: 'tests on a real kernel', follow: (args) => script('../checks/main.mjs', args) },
  bench: { purpose: 'bench', root: 'benchmarks on a real kernel', follow: (args) => script('../bench/main.mjs', args) },
}

/**
 * @param {string | undefined} name
 * @param {string[]} args
 */
export async function start(name, args) {
  const command = name === undefined ? undefined : commands[name]
  if (name === undefined || command === undefined) {
    process.stderr.write(`syscribe: set up for what? One of: ${Object.keys(commands).join(', ')}\n`)
    process.exit(2)
  }
  const asksForHelp = args.includes('--help') || args.includes('-h')
  try {
    if (command.root !== null && !asksForHelp && process.getuid?.() !== 0) {
      throw new SetupError(
        `${command.root} needs root`,
        `Run it as root: sudo npm run ${name === 'run' ? 'start' : name}`,
      )
    }
    await setUp(root, command.purpose)
  } catch (error) {
    if (!(error instanceof SetupError)) throw error
    if (error.detail !== '') process.stderr.write(`${error.detail.replace(/^/gm, '  | ')}\n`)
    process.stderr.write(`syscribe: ${error.message}. ${error.remedy}\n`)
    process.exit(error.exitCode)
  }
  await command.follow(args)
}

/** @param {string[]} args */
async function syscribe(args) {
  const bin = new URL('../../cli/bin/syscribe.js', import.meta.url)
  process.argv = [process.argv[0] ?? 'node', fileURLToPath(bin), ...args]
  await import(bin.href)
}

/**
 * @param {string} path
 * @param {string[]} args
 */
async function script(path, args) {
  const url = new URL(path, import.meta.url)
  process.argv = [process.argv[0] ?? 'node', fileURLToPath(url), ...args]
  await import(url.href)
}
