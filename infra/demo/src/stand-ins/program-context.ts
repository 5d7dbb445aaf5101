import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

const demo = fileURLToPath(new URL('../../', import.meta.url))

/** Types, source maps and texts for people. */
const unneeded = /\.(?:[cm]?ts|map|md)$/

/** The images of the demo's programs, as compose.yaml names them, and their targets in the Dockerfile. */
export const programImages: Record<string, string> = {
  'syscribe-demo/http-service:latest': 'http-service',
  'syscribe-demo/request-logger:latest': 'request-logger',
  'syscribe-demo/traffic-generator:latest': 'traffic-generator',
}

/**
 * A folder to build the program images from without a network: what the first stage of the Dockerfile would make is
 * taken from this checkout, and the Dockerfile is without that stage. The caller removes it.
 */
export function programContext(): string {
  const folder = mkdtempSync(join(tmpdir(), 'syscribe-stand-in-'))
  const app = join(folder, 'app')
  cpSync(join(demo, 'dist/programs'), join(app, 'dist/programs'), { recursive: true })
  cpSync(join(demo, 'package.json'), join(app, 'package.json'))
  for (const path of dependencies()) {
    const target = join(app, path.slice(path.indexOf(`${sep}node_modules${sep}`)))
    if (existsSync(join(target, 'package.json'))) throw new Error(`two packages for ${target}: ${path}`)
    mkdirSync(dirname(target), { recursive: true })
    // What is nested below is listed by itself. Thousands of files that nothing runs would take the engine long.
    const filter = (from: string) => from !== join(path, 'node_modules') && !unneeded.test(from)
    cpSync(path, target, { recursive: true, dereference: true, filter })
  }
  writeFileSync(join(folder, 'Dockerfile'), withoutBuildStage(readFileSync(join(demo, 'Dockerfile'), 'utf8')))
  return folder
}

/** The folders of the packages that the demo needs when it runs. */
function dependencies(): string[] {
  const args = ['ls', '--omit=dev', '--all', '--parseable', '--workspace', '@syscribe/demo']
  const listed = execFileSync('npm', args, { cwd: demo, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  const ours = `node_modules${sep}@syscribe${sep}`
  return listed.split('\n').filter((path) => path.includes(`${sep}node_modules${sep}`) && !path.includes(ours))
}

/** Drops the stage `build`; what was copied from it comes from the context. */
export function withoutBuildStage(dockerfile: string): string {
  const stages = dockerfile.split(/^(?=FROM )/m)
  const others = stages.filter((stage) => !/^FROM \S+ AS build$/m.test(stage))
  if (others.length !== stages.length - 1) throw new Error('the Dockerfile has no stage "build"')
  return others.join('').replaceAll('COPY --from=build ', 'COPY ')
}
