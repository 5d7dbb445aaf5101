import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { kafkaJars, registryJars } from '@syscribe/test-broker'
import type { ContainerEngine } from './container-engine.js'
import { fillImageFolder } from './image-folder.js'
import { programs } from './program.js'
import { repository } from './repository.js'

// The images of infra/compose.yaml, made of what is on this machine.

/** The last holds locks on outputs and spool; Debian always has it. */
const basics = [process.execPath, '/usr/bin/env', '/bin/sh', '/usr/bin/flock']
/** Where the programs of these images are. */
const path = [...new Set([dirname(process.execPath), '/usr/local/bin', '/usr/bin', '/bin'])].join(':')

/**
 * What infra/Dockerfile makes, on this machine's Node: the checkout as it is built here and the packages that its command
 * needs. How it is run is read from the Dockerfile.
 */
export function makeSyscribeImage(engine: ContainerEngine, name: string): void {
  const dockerfile = readFileSync(`${repository}infra/Dockerfile`, 'utf8').replaceAll('\\\n', '')
  const stage = dockerfile.slice(dockerfile.lastIndexOf('\nFROM ')).split('\n')
  const changes = stage.filter((line) => /^(ENV|WORKDIR|EXPOSE|USER|HEALTHCHECK|ENTRYPOINT|CMD) /.test(line))
  importFolder(engine, name, changes, (folder) => {
    const { workspaces, packages } = partsOf('cli')
    const home = join(folder, 'opt/syscribe')
    const bpf = ['syscribe_native.node', 'capture.bpf.o'].map((file) => `collector/build/${file}`)
    const sources = ['src', 'test', 'native', 'build', 'node_modules'].map((each) => `--exclude=${each}`)
    copyFiles(home, [...sources, ...workspaces])
    copyFiles(home, ['package.json', 'infra/image/healthy.mjs', ...bpf, 'node_modules/@syscribe', ...packages])
    // The libraries that the addons name.
    const addons = execFileSync('find', [home, '-name', '*.node'], { encoding: 'utf8' }).trim().split('\n')
    fillImageFolder(folder, [...basics, ...addons.map((addon) => join(repository, relative(home, addon)))])
    mkdirSync(join(folder, 'etc'))
    writeFileSync(
      join(folder, 'etc/passwd'),
      'root:x:0:0::/root:/bin/sh\nsyscribe:x:10001:10001::/var/lib/syscribe:/\n',
    )
    for (const [name, mode, owner] of [
      ['lib', 0o700, 0],
      ['log', 0o750, 10001],
    ] as const) {
      const own = join(folder, 'var', name, 'syscribe')
      mkdirSync(own, { recursive: true })
      chmodSync(own, mode)
      chownSync(own, owner, owner)
    }
    mkdirSync(join(folder, 'usr/local/bin'), { recursive: true })
    symlinkSync('/opt/syscribe/cli/bin/syscribe.js', join(folder, 'usr/local/bin/syscribe'))
  })
}

/** Apache Kafka and Apicurio's registry in an image that is started as Redpanda's is. */
export async function makeRedpandaStandIn(engine: ContainerEngine, name: string): Promise<void> {
  const [kafka, registry] = [await kafkaJars(), await registryJars()]
  const java = dirname(dirname(realpathSync(execFileSync('which', ['java'], { encoding: 'utf8' }).trim())))
  importFolder(engine, name, ['ENTRYPOINT ["rpk"]'], (folder) => {
    const unused = ['jmods', 'man', 'include', 'docs', 'legal']
    cpSync(java, join(folder, java), {
      recursive: true,
      dereference: true,
      // Some of its links lead to what is installed apart.
      filter: (file) => !unused.includes(relative(java, file)) && existsSync(file),
    })
    const libraries = readdirSync(join(java, 'lib'), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.so'))
      .map((file) => join(java, 'lib', file))
    fillImageFolder(folder, [...basics, join(java, 'bin/java'), ...libraries])
    cpSync(kafka, join(folder, 'opt/kafka'), { recursive: true })
    cpSync(registry, join(folder, 'opt/registry'), { recursive: true })
    mkdirSync(join(folder, 'usr/local/bin'), { recursive: true })
    symlinkSync(join(java, 'bin/java'), join(folder, 'usr/local/bin/java'))
    cpSync(`${programs}rpk.mjs`, join(folder, 'usr/local/lib/rpk.mjs'))
    symlinkSync('../lib/rpk.mjs', join(folder, 'usr/local/bin/rpk'))
  })
}

/** Where the console's pages would be, somebody answers. */
export function makeConsoleStandIn(engine: ContainerEngine, name: string): void {
  const script = `require('http').createServer((_, answer) => answer.end()).listen(8080)`
  const changes = [`CMD ${JSON.stringify(['node', '-e', script])}`]
  importFolder(engine, name, changes, (folder) => fillImageFolder(folder, basics))
}

/** Of a workspace's command: workspaces and packages with what they depend on, as paths in the checkout. */
function partsOf(workspace: string): { workspaces: string[]; packages: string[] } {
  const args = ['ls', '--workspace', workspace, '--omit=dev', '--all', '--parseable']
  const listed = execFileSync('npm', args, { cwd: repository, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
  const paths = listed
    .trim()
    .split('\n')
    .map((each) => relative(repository, each))
    .filter((each) => each !== '')
  const own = paths.filter((each) => each.startsWith('node_modules/@syscribe/'))
  return {
    workspaces: own.map((each) => relative(repository, realpathSync(join(repository, each)))),
    packages: paths.filter((each) => !own.includes(each)),
  }
}

function copyFiles(to: string, args: readonly string[]): void {
  mkdirSync(to, { recursive: true })
  const script = 'to=$1; shift; tar -cf - "$@" | tar -C "$to" -xf -'
  execFileSync('sh', ['-c', script, 'sh', to, ...args], { cwd: repository, stdio: ['ignore', 'ignore', 'inherit'] })
}

function importFolder(
  engine: ContainerEngine,
  name: string,
  changes: readonly string[],
  fill: (folder: string) => void,
): void {
  const folder = mkdtempSync(join(tmpdir(), 'syscribe-image-'))
  const archive = `${folder}.tar`
  try {
    fill(folder)
    execFileSync('tar', ['-C', folder, '-cf', archive, '.'])
    engine.cli('import', ...[`ENV PATH=${path}`, ...changes].flatMap((change) => ['--change', change]), archive, name)
  } finally {
    rmSync(folder, { recursive: true, force: true })
    rmSync(archive, { force: true })
  }
}
