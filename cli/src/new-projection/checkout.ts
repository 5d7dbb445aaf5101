import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** The checkout of Syscribe that a folder lies in, undefined when in none. */
export function checkoutAround(folder: string): string | undefined {
  for (let at = folder; ; at = dirname(at)) {
    if (isCheckout(at)) return at
    if (dirname(at) === at) return undefined
  }
}

function isCheckout(folder: string): boolean {
  try {
    const { name, workspaces } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
    return name === 'syscribe' && Array.isArray(workspaces) && workspaces.includes('projections/*')
  } catch {
    return false
  }
}

/** Has the checkout's `tsc -b` build a workspace; returns the file that was changed for it, if one was. */
export function addReference(checkout: string, workspace: string): string | undefined {
  const file = join(checkout, 'tsconfig.json')
  const config: { references: { path: string }[] } = JSON.parse(readFileSync(file, 'utf8'))
  if (config.references.some(({ path }) => path === workspace)) return undefined
  const after = config.references.findLastIndex(({ path }) => path.startsWith('projections/'))
  config.references.splice(after + 1, 0, { path: workspace })
  writeFileSync(file, `${JSON.stringify(config, null, 2)}\n`)
  return file
}
