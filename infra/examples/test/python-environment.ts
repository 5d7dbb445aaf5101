import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../../', import.meta.url))

/**
 * A Python with the packages that a requirements file names, made once and kept beside the other caches.
 * @returns the path of its interpreter
 */
export function pythonWith(requirements: string): string {
  const name = createHash('sha256').update(readFileSync(requirements)).digest('hex').slice(0, 16)
  const folder = join(root, 'node_modules/.cache/syscribe-python', name)
  // pip is finished with it when this is there; two that make it at once do the same.
  const done = join(folder, 'done')
  const python = join(folder, 'bin/python3')
  if (existsSync(done)) return python
  mkdirSync(folder, { recursive: true })
  const run = (...args: string[]) =>
    execFileSync(args[0] as string, args.slice(1), { stdio: ['ignore', 'ignore', 'pipe'] })
  run('python3', '-m', 'venv', folder)
  run(python, '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', requirements)
  writeFileSync(done, '')
  return python
}
