import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const folder = fileURLToPath(new URL('../../templates/projection/', import.meta.url))

/** The template is itself a working projection, of this name. */
const templateName = 'slowest-endpoints'

/** A list of one text, which the checkout's formatter wants on one line (but not in package.json). */
const single = /\[\n\s+("[^"]*")\n\s+\]/g

/** What the template is made for: a workspace of the checkout, or a package of its own. */
export type Place = 'workspace' | 'package'

/**
 * The files of a new projection by their path in its folder.
 * @param version of the packages it depends on.
 */
export function templateFiles(name: string, place: Place, version: string): Map<string, string> {
  const files = new Map<string, string>()
  const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`
  files.set('package.json', json(place === 'workspace' ? workspacePackage(name, version) : ownPackage(name, version)))
  files.set('tsconfig.json', json(place === 'workspace' ? workspaceTsconfig : ownTsconfig).replace(single, '[$1]'))
  if (place === 'package') files.set('.gitignore', 'node_modules/\ndist/\n')
  for (const path of readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()) {
    if (!/\.(ts|md)$/.test(path)) continue
    const text = readFileSync(join(folder, path), 'utf8')
    files.set(path.replaceAll(templateName, name), forPlace(text, place).replaceAll(templateName, name))
  }
  return files
}

/** Of the parts between `<!-- workspace -->` or `<!-- package -->` and `<!-- end -->` those of the other place are left out. */
function forPlace(text: string, place: Place): string {
  return text.replaceAll(/<!-- (workspace|package) -->\n(.*?)<!-- end -->\n/gs, (_, of: Place, part: string) => {
    return of === place ? part : ''
  })
}

const description = 'Projection: the slowest HTTP endpoints as CSV'

function workspacePackage(name: string, version: string) {
  return {
    name: `@syscribe/${name}`,
    version,
    private: true,
    description,
    license: 'Apache-2.0',
    type: 'module',
    exports: {
      '.': { 'syscribe-source': './src/index.ts', types: './dist/index.d.ts', default: './dist/index.js' },
    },
    files: ['dist'],
    scripts: { build: 'tsc -b' },
    dependencies: { '@syscribe/runtime': version, '@syscribe/schemas': version },
  }
}

function ownPackage(name: string, version: string) {
  return {
    name,
    version: '0.1.0',
    private: true,
    description,
    type: 'module',
    exports: { '.': { types: './dist/index.d.ts', default: './dist/index.js' } },
    files: ['dist'],
    scripts: { build: 'tsc', test: 'vitest run' },
    dependencies: { '@syscribe/runtime': `^${version}`, '@syscribe/schemas': `^${version}` },
    devDependencies,
  }
}

/** As in the checkout's own package.json, which a test compares. */
export const devDependencies = { '@types/node': '^20.19.0', typescript: '^7.0.2', vitest: '^4.1.12' }

const workspaceTsconfig = {
  extends: '../../tsconfig.base.json',
  compilerOptions: { rootDir: 'src', outDir: 'dist', tsBuildInfoFile: 'dist/.tsbuildinfo' },
  include: ['src'],
  references: [{ path: '../../schemas' }, { path: '../../runtime' }],
}

const ownTsconfig = {
  compilerOptions: {
    target: 'ES2023',
    module: 'NodeNext',
    types: ['node'],
    strict: true,
    noUncheckedIndexedAccess: true,
    declaration: true,
    skipLibCheck: true,
    rootDir: 'src',
    outDir: 'dist',
  },
  include: ['src'],
}
