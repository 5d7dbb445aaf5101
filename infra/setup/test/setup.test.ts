import { execFileSync, spawnSync } from 'node:child_process'
import { chownSync, cpSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { isBuilt, markBuilt } from '../build.mjs'
import { checkoutOwner } from '../checkout-owner.mjs'
import { withLock } from '../lock.mjs'
import { npmPackagesMatch } from '../npm-packages.mjs'
import { isThere } from '../probe.mjs'
import { needsOf } from '../purposes.mjs'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'syscribe-setup-test-'))
})
afterEach(() => {
  rmSync(root, { recursive: true, force: true })
})

function write(path: string, content: string | object): void {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  writeFileSync(join(root, path), typeof content === 'string' ? content : JSON.stringify(content))
}

describe('main', () => {
  it('tells an old Node what to install, and does nothing', () => {
    cpSync(fileURLToPath(new URL('../', import.meta.url)), join(root, 'infra/setup'), { recursive: true })
    write('package.json', { type: 'module', engines: { node: '>=99.1' } })
    const { status, stderr } = spawnSync(process.execPath, [join(root, 'infra/setup/main.mjs'), 'run'], {
      encoding: 'utf8',
    })
    expect(stderr).toBe(
      `syscribe: Node ${process.versions.node} is too old: install Node 99.1 or newer (https://nodejs.org).\n`,
    )
    expect(status).toBe(1)
  })

  it('names the purposes there are', () => {
    const main = fileURLToPath(new URL('../main.mjs', import.meta.url))
    const { status, stderr } = spawnSync(process.execPath, [main, 'everything'], { encoding: 'utf8' })
    expect(stderr).toBe('syscribe: set up for what? One of: setup, run, demo, test, bench\n')
    expect(status).toBe(2)
  })
})

describe('without a compiler', () => {
  /** Set-up of a checkout of its own where clang is no program: in a mount namespace that hides it. */
  function setUp(user: number, path = process.env.PATH ?? '') {
    cpSync(fileURLToPath(new URL('../', import.meta.url)), join(root, 'infra/setup'), { recursive: true })
    write('package.json', { type: 'module', engines: { node: '>=20' }, workspaces: [] })
    for (const owned of [root, join(root, 'package.json')]) chownSync(owned, user, user)
    // Node may lie where only root can go.
    const node = join(root, 'node')
    write('node', '')
    const mounts = `mount --bind /dev/null "$(command -v clang)"; mount --bind "${process.execPath}" "${node}"`
    const asUser = `exec setpriv --reuid ${user} --regid ${user} --clear-groups env PATH="$0" "$@"`
    const main = [node, join(root, 'infra/setup/main.mjs'), 'setup']
    const { status, stderr } = spawnSync('unshare', ['--mount', 'sh', '-ec', `${mounts}; ${asUser}`, path, ...main], {
      encoding: 'utf8',
    })
    return { status, said: stderr.match(/^syscribe: .*/m)?.[0] }
  }

  it('says to a user what is missing and how it is got', () => {
    const { status, said } = setUp(65534)
    expect(said).toBe('syscribe: missing: clang. Run this as root (sudo), or install them: sudo apt-get install clang')
    expect(status).toBe(1)
  })

  it('says to root what is missing on a system that is not Debian’s', () => {
    mkdirSync(join(root, 'bin'))
    for (const program of ['flock', 'sh', 'cat']) {
      const path = execFileSync('sh', ['-c', `command -v ${program}`], { encoding: 'utf8' }).trim()
      symlinkSync(path, join(root, 'bin', program))
    }
    const { status, said } = setUp(0, join(root, 'bin'))
    expect(said).toMatch(/^syscribe: missing: clang\b.*, and there is no apt-get here to install them\. Install what/)
    expect(status).toBe(1)
  })
})

describe('npmPackagesMatch', () => {
  const lock = {
    packages: {
      '': { name: 'x' },
      cli: { version: '1.0.0' },
      'node_modules/a': { version: '1.0.0' },
      'node_modules/only-elsewhere': { version: '1.0.0', optional: true, os: ['darwin'] },
    },
  }
  const installed = (version: string) => ({ packages: { 'node_modules/a': { version } } })

  it('is content when all is there that is not optional', () => {
    write('package-lock.json', lock)
    write('node_modules/.package-lock.json', installed('1.0.0'))
    write('node_modules/a/package.json', {})
    expect(npmPackagesMatch(root)).toBe(true)
  })

  it.each([
    ['nothing was installed', () => {}],
    ['another version was', () => write('node_modules/.package-lock.json', installed('1.0.1'))],
    ['the folder is gone', () => rmSync(join(root, 'node_modules/a'), { recursive: true })],
    ['the installation was broken off', () => rmSync(join(root, 'node_modules/.package-lock.json'))],
  ])('is not when %s', (name, change) => {
    write('package-lock.json', lock)
    if (name !== 'nothing was installed') {
      write('node_modules/.package-lock.json', installed('1.0.0'))
      write('node_modules/a/package.json', {})
    }
    change()
    expect(npmPackagesMatch(root)).toBe(false)
  })
})

describe('isBuilt', () => {
  beforeEach(() => {
    write('package.json', { workspaces: ['log', 'processors/*'] })
    write('package-lock.json', {})
    write('tsconfig.base.json', {})
    write('turbo.json', {})
    write('log/src/log.ts', 'one')
    write('processors/p/package.json', {})
    write('processors/p/src/p.ts', 'two')
    write('log/dist/log.js', '')
    markBuilt(root)
  })

  it('holds until something changes that the build reads, or its product goes', () => {
    expect(isBuilt(root)).toBe(true)
    write('log/test/log.test.ts', 'a test')
    expect(isBuilt(root)).toBe(true)
    rmSync(join(root, 'log/dist'), { recursive: true })
    expect(isBuilt(root)).toBe(false)
  })

  it.each([
    ['log/src/log.ts', 'changed'],
    ['log/src/new.ts', ''],
    ['processors/p/src/p.ts', 'changed'],
    ['bpf/capture.bpf.c', ''],
    ['turbo.json', '{ }'],
  ])('ends with a change of %s', (path, content) => {
    write(path, content)
    expect(isBuilt(root)).toBe(false)
  })
})

describe('checkoutOwner', () => {
  const before = { ...process.env }
  afterEach(() => {
    process.env = { ...before }
  })

  it('lets root work as the owner, with the settings of neither root nor root’s npm', () => {
    chownSync(root, 65534, 65534)
    process.env.HOME = '/root'
    process.env.npm_config_cache = '/root/.npm'
    process.env.npm_config_userconfig = '/root/.npmrc'
    process.env.npm_config_registry = 'https://registry.example/'
    const { uid, gid, env } = checkoutOwner(root)
    expect([uid, gid, env.USER, env.HOME]).toEqual([65534, 65534, 'nobody', '/nonexistent'])
    expect([env.npm_config_cache, env.npm_config_userconfig]).toEqual([undefined, undefined])
    expect(env.npm_config_registry).toBe('https://registry.example/')
  })

  it('leaves nothing of root’s in the checkout of another', () => {
    write('package.json', { workspaces: [] })
    write('package-lock.json', {})
    write('tsconfig.base.json', {})
    write('turbo.json', {})
    mkdirSync(join(root, 'node_modules'))
    for (const path of [root, join(root, 'node_modules')]) chownSync(path, 65534, 65534)
    markBuilt(root)
    expect(isBuilt(root)).toBe(true)
    for (const path of ['.cache', '.cache/syscribe', '.cache/syscribe/built'])
      expect(statSync(join(root, 'node_modules', path)).uid).toBe(65534)
  })
})

describe('withLock', () => {
  it('lets one in at a time, and the next when it leaves', async () => {
    const events: string[] = []
    const first = withLock(
      root,
      () => events.push('first waits'),
      async () => {
        events.push('first in')
        await sleep(300)
        events.push('first out')
      },
    )
    await sleep(100)
    const second = withLock(
      root,
      () => events.push('second waits'),
      async () => {
        events.push('second in')
      },
    )
    await Promise.all([first, second])
    expect(events).toEqual(['first in', 'second waits', 'first out', 'second in'])
  })

  it('is let go when the work fails', async () => {
    const fail = withLock(
      root,
      () => {},
      () => Promise.reject(new Error('no')),
    )
    await expect(fail).rejects.toThrow('no')
    await sleep(100)
    const waits: string[] = []
    await withLock(
      root,
      () => waits.push('waits'),
      async () => {},
    )
    expect(waits).toEqual([])
  })
})

describe('isThere', () => {
  it('finds programs, headers and files, with patterns', () => {
    expect(isThere({ package: 'x', probe: { command: 'sh' } })).toBe(true)
    expect(isThere({ package: 'x', probe: { command: 'no-such-program-here' } })).toBe(false)
    write('lib/15/bin/tool', '')
    expect(isThere({ package: 'x', probe: { file: `${root}/lib/*/bin/tool` } })).toBe(true)
    expect(isThere({ package: 'x', probe: { file: `${root}/lib/*/bin/other` } })).toBe(false)
    expect(isThere({ package: 'x', probe: { header: 'no/such/header.h' } })).toBe(false)
  })
})

describe('needsOf', () => {
  it('takes in what a purpose includes, each package once', () => {
    const names = (purpose: 'build' | 'demo' | 'test' | 'bench') => needsOf(purpose).map((need) => need.package)
    expect(names('demo')).toEqual(expect.arrayContaining([...names('build'), 'redis-server']))
    expect(names('bench')).toEqual(expect.arrayContaining(names('test')))
    expect(new Set(names('bench')).size).toBe(names('bench').length)
  })
})
