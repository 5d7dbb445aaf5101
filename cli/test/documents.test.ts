import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { settingsMarkdown } from '@syscribe/runtime'
import { describe, expect, it } from 'vitest'
import { createProgram } from '../src/program.js'

const root = fileURLToPath(new URL('../../', import.meta.url))
const read = (path: string) => readFileSync(join(root, path), 'utf8')

const foldersIn = (folder: string) =>
  readdirSync(join(root, folder), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !/^(\.|node_modules$|dist$|output$)/.test(entry.name))
    .map(({ name }) => join(folder, name))

/** Folders that say what lives in them. */
const folders = [...foldersIn('.'), ...['infra', 'processors', 'projections'].flatMap(foldersIn)]

/** Pages whose links are checked. */
const pages = [
  'README.md',
  ...folders.map((folder) => `${folder}/README.md`).filter((path) => !path.startsWith('docs/')),
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' }).map((name) => `docs/${name}`),
].filter((path) => path.endsWith('.md'))

describe('README', () => {
  it('has the table of settings the program parses with', () => {
    const text = read('README.md')
    const begin = '<!-- settings: begin -->\n'
    const table = text.slice(text.indexOf(begin) + begin.length, text.indexOf('<!-- settings: end -->'))
    expect(table).toBe(settingsMarkdown())
  })
})

describe('docs', () => {
  it.each(pages)('%s has no broken links', (page) => {
    const links = [...read(page).matchAll(/\]\(([^)#:\s]+)(?:#[^)]*)?\)/g)].map(([, link]) => link as string)
    expect(links.filter((link) => !existsSync(join(root, dirname(page), link)))).toEqual([])
  })

  it.each(folders)('%s has a README that says what lives there', (folder) => {
    expect(existsSync(join(root, folder, 'README.md'))).toBe(true)
  })

  it('names every page in its index', () => {
    const index = read('docs/README.md')
    const missing = pages
      .filter((page) => /^docs\/[^/]+\.md$/.test(page) && page !== 'docs/README.md')
      .map((page) => page.slice('docs/'.length))
      .filter((name) => !index.includes(`(${name})`))
    expect(missing).toEqual([])
  })

  it('cli.md names every verb', () => {
    const surroundings = { env: {}, stdout: nowhere, stderr: nowhere, stopSignal: () => new AbortController().signal }
    const text = read('docs/cli.md')
    for (const { name } of verbs(surroundings)) expect(text).toContain(`\`${name}\``)
  })
})

const nowhere = { write: async () => {}, isTerminal: false, columns: 80 }

function verbs(surroundings: Parameters<typeof createProgram>[0]): { name: string }[] {
  return createProgram(surroundings, () => {})
    .commands.filter((command) => command.commands.length === 0)
    .map((command) => ({ name: command.name() }))
}
