import { execFile } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { newProjection } from '../src/new-projection/new-projection.js'
import { devDependencies } from '../src/new-projection/template.js'
import { command } from './command.js'
import { recordLog } from './recorded-log.js'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../../', import.meta.url))
const bin = (name: string) => join(root, 'node_modules/.bin', name)
const readJson = (path: string) => JSON.parse(readFileSync(path, 'utf8'))

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'syscribe-new-'))
})
afterEach(() => {
  rmSync(folder, { recursive: true, force: true })
})

const slow = 300_000

/** What the recorded log gives: one exchange of 1 ms. */
const csv = 'service,method,path,calls,mean_ms,slowest_ms\n"reviews","GET","/hello",1,1.000,1.000\n'

/** Runs the projection in a folder over a recorded log, with the built command, as Node loads modules. */
async function replayed(projection: string): Promise<string> {
  const data = join(folder, 'data')
  await recordLog(data)
  const env = {
    PATH: process.env.PATH ?? '',
    SYSCRIBE_DATA_DIR: data,
    OUTPUT_PATH: join(folder, 'http.log'),
    ENV_OUTPUT_PATH: join(folder, 'env.yaml'),
    SYSCRIBE_LOG_LEVEL: 'silent',
  }
  const target = join(folder, 'slowest.csv')
  const syscribe = join(root, 'cli/bin/syscribe.js')
  await run(process.execPath, [syscribe, 'replay', 'http-parser'], { env })
  await run(process.execPath, [syscribe, 'replay', projection, '--into', target], { env })
  return readFileSync(target, 'utf8')
}

describe('outside of the checkout', () => {
  it('is a package that installs from packed packages, passes its test, builds and runs', {
    timeout: slow,
  }, async () => {
    const packed = join(folder, 'packed')
    mkdirSync(packed)
    const workspaces = ['schemas', 'log', 'runtime'].flatMap((name) => ['-w', `@syscribe/${name}`])
    await run('npm', ['pack', '--silent', '--pack-destination', packed, ...workspaces], { cwd: root })
    const { stdout } = await command(['new', 'projection', 'slow-shops', '--into', folder])
    const project = join(folder, 'slow-shops')
    expect(stdout).toContain(`Next: cd ${project}, then what its README.md says`)

    const tarballs = readdirSync(packed).map((name) => join(packed, name))
    await run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', ...tarballs], { cwd: project })
    // No link leads back into the checkout.
    expect(existsSync(join(project, 'node_modules/@syscribe/runtime/src'))).toBe(false)
    await run('npm', ['test'], { cwd: project })
    await run('npm', ['run', 'build'], { cwd: project })
    expect(await replayed(project)).toBe(csv)
  })

  it('asks for the same tools as the checkout', () => {
    expect(readJson(join(root, 'package.json')).devDependencies).toMatchObject(devDependencies)
  })
})

it('is what docs/projections.md shows', () => {
  const page = readFileSync(join(root, 'docs/projections.md'), 'utf8')
  const code = readFileSync(join(root, 'cli/templates/projection/src/index.ts'), 'utf8')
  expect(page).toContain(`<!-- code: begin -->\n\`\`\`ts\n${code}\`\`\`\n<!-- code: end -->`)
})

describe('in the checkout', () => {
  it('is a workspace that is built, checked and tested with the others', { timeout: slow }, async () => {
    const checkout = join(folder, 'checkout')
    mkdirSync(checkout)
    for (const file of ['package.json', 'tsconfig.json', 'tsconfig.base.json', 'biome.json', 'vitest.config.ts']) {
      copyFileSync(join(root, file), join(checkout, file))
    }
    // The other workspaces are there by links: what is new is not.
    const below = ['processors', 'projections', 'infra'].flatMap((parent) => {
      mkdirSync(join(checkout, parent))
      return readdirSync(join(root, parent)).map((name) => join(parent, name))
    })
    for (const path of ['node_modules', 'schemas', 'log', 'runtime', 'collector', 'cli', 'tests', ...below]) {
      symlinkSync(join(root, path), join(checkout, path))
    }
    const inside = join(checkout, 'schemas-of-mine')
    mkdirSync(inside)
    const { folder: project, place, files, changed } = newProjection('slow-shops', undefined, inside)
    expect({ project, place }).toEqual({ project: join(checkout, 'projections/slow-shops'), place: 'workspace' })
    expect(changed).toBe(join(checkout, 'tsconfig.json'))
    expect(files).toContain('README.md')
    const references: { path: string }[] = readJson(join(checkout, 'tsconfig.json')).references
    const before: { path: string }[] = readJson(join(root, 'tsconfig.json')).references
    expect(references.map(({ path }) => path).filter((path) => path !== 'projections/slow-shops')).toEqual(
      before.map(({ path }) => path),
    )
    expect(references).toHaveLength(before.length + 1)
    expect(readJson(join(project, 'package.json')).name).toBe('@syscribe/slow-shops')

    const biome = ['check', '--vcs-enabled=false', '--error-on-warnings', 'tsconfig.json', 'projections/slow-shops']
    await run(bin('biome'), biome, { cwd: checkout })
    await run(bin('vitest'), ['run', 'projections/slow-shops'], { cwd: checkout })
    await run(bin('tsc'), ['-p', 'projections/slow-shops'], { cwd: checkout })
    expect(await replayed(project)).toBe(csv)
  })

  it('says every file that it has written or changed', async () => {
    const projections = join(folder, 'projections')
    mkdirSync(projections)
    writeFileSync(join(folder, 'package.json'), '{ "name": "syscribe", "workspaces": ["projections/*"] }')
    const untouched = '{ "references": [] }'
    writeFileSync(join(folder, 'tsconfig.json'), untouched)
    const files = () => readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) => /\.\w+$/.test(path))
    const before = files()
    const { stdout } = await command(['new', 'projection', 'slow-shops', '--into', projections])
    const [said] = stdout.split('\n\nNext: ') as [string]
    const own = files().filter((path) => !before.includes(path))
    expect(said.split('\n').sort()).toEqual(
      [
        join(projections, 'slow-shops'),
        ...own.map((path) => `  ${path.slice('projections/slow-shops/'.length)}`),
        join(folder, 'tsconfig.json'),
        '  now references projections/slow-shops',
      ].sort(),
    )
    expect(readFileSync(join(folder, 'tsconfig.json'), 'utf8')).not.toBe(untouched)
  })
})

describe('a name or folder that cannot be used', () => {
  it.each([
    ['Slow', 'small letters'],
    ['-slow', 'small letters'],
    ['slow--shops', 'small letters'],
    ['9slow', 'small letters'],
    ['../slow', 'small letters'],
    ['s'.repeat(65), 'longer than 64'],
    ['http-log', 'the name of a part'],
    ['env-reader', 'the name of a part'],
  ])('%s', async (name, said) => {
    const { exitCode, stderr } = await command(['new', 'projection', '--into', folder, '--', name])
    expect(stderr).toContain(said)
    expect(stderr.trim().split('\n')).toHaveLength(1)
    expect(exitCode).toBe(2)
    expect(readdirSync(folder)).toEqual([])
  })

  it('a folder that exists is left as it is', async () => {
    mkdirSync(join(folder, 'slow'))
    const { exitCode, stderr } = await command(['new', 'projection', 'slow', '--into', folder])
    expect({ exitCode, stderr }).toEqual({ exitCode: 2, stderr: `syscribe: ${join(folder, 'slow')} exists already\n` })
    expect(readdirSync(join(folder, 'slow'))).toEqual([])
  })

  it('a place where none can be made is a fault', async () => {
    const { exitCode, stderr } = await command(['new', 'projection', 'slow', '--into', '/proc'])
    expect(stderr).toContain('cannot make /proc/slow')
    expect(exitCode).toBe(1)
  })

  it('a folder that is not there', async () => {
    const { exitCode, stderr } = await command(['new', 'projection', 'slow', '--into', join(folder, 'none')])
    expect(stderr).toContain(`there is no folder ${join(folder, 'none')}`)
    expect(exitCode).toBe(2)
  })
})

describe('a module that cannot be used as a projection', () => {
  const replay = (path: string) => {
    return command(['replay', path, '--into', join(folder, 'out')], { SYSCRIBE_DATA_DIR: join(folder, 'data') })
  }
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
    return join(folder, path)
  }
  const good = "name: 'mine', topics: ['http'], state: { encode() {}, decode() {} }, open() {}"

  it.each([
    ['there is none', () => join(folder, 'none'), 'there is no ', 2],
    ['it is no package', () => dirname(write('x/readme', '')), 'has no package.json', 2],
    ['its package.json is broken', () => dirname(write('x/package.json', '{')), 'package.json cannot be read', 2],
    [
      'it is not built',
      () => dirname(write('x/package.json', '{"exports":{".":{"types":"./d.ts","default":"./dist/index.js"}}}')),
      'dist/index.js is missing: build it first',
      2,
    ],
    ['it throws', () => write('x.mjs', 'throw new Error("not today")'), 'not today', 1],
    ['it imports what is not there', () => write('x.mjs', "import 'no-such-package'"), 'no-such-package', 1],
    ['it exports nothing', () => write('x.mjs', ''), 'there is no default export', 2],
    ['it exports a function', () => write('x.mjs', 'export default () => {}'), 'it is a function', 2],
    ['it has no name', () => write('x.mjs', 'export default {}'), 'its name', 2],
    [
      'it reads a topic that there is not',
      () => write('x.mjs', `export default { ${good.replace('http', 'htpp')} }`),
      'there is no topic "htpp": one of syscalls',
      2,
    ],
    ['it has no state', () => write('x.mjs', `export default { ${good}, state: null }`), 'no encode and decode', 2],
    ['it does not open', () => write('x.mjs', `export default { ${good}, open: 1 }`), 'it has no open', 2],
    ['the log is missing', () => write('x.mjs', `export default { ${good} }`), 'there is no log in', 1],
  ])('because %s', async (_, path, said, code) => {
    const { exitCode, stderr } = await replay(path())
    expect(stderr).toContain(said)
    expect(exitCode).toBe(code)
  })

  it('is found by main and by exports as Node finds it', async () => {
    for (const entry of [
      '"main":"./a.mjs"',
      '"exports":"./a.mjs"',
      '"exports":{"import":"./a.mjs","default":"./b.js"}',
    ]) {
      const folder = dirname(write(`${entry.length}/package.json`, `{${entry}}`))
      write(`${entry.length}/a.mjs`, 'export default 1')
      expect((await replay(folder)).stderr).toContain('it is a number')
    }
  })

  it('without --into, which says what to write', async () => {
    const { exitCode, stderr } = await command(['replay', './mine'], {})
    expect(stderr).toContain('./mine is a projection of your own: say with --into')
    expect(exitCode).toBe(2)
  })
})
