import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { CliError } from '../cli-error.js'
import { processors, projectionNames } from '../run/parts.js'
import { addReference, checkoutAround } from './checkout.js'
import { type Place, templateFiles } from './template.js'

export interface NewProjection {
  /** The folder made, absolute. */
  folder: string
  place: Place
  /** Paths in it. */
  files: string[]
  /** The file of the checkout that now names it, absolute; undefined where none had to be changed. */
  changed: string | undefined
}

/**
 * Writes the working folder of a new projection: a workspace below `projections/` of the checkout that `cwd` or `into`
 * lies in, else a package of its own.
 * @param into the folder that will hold it; default `projections/` of the checkout around `cwd`, else `cwd`.
 * @throws CliError `usage` for a name that cannot be used or a folder that exists, `fault` when it cannot be written;
 *   then nothing is left behind.
 */
export function newProjection(name: string, into: string | undefined, cwd: string): NewProjection {
  checkName(name)
  const around = checkoutAround(into === undefined ? cwd : resolve(cwd, into))
  const parent = into === undefined ? (around === undefined ? cwd : join(around, 'projections')) : resolve(cwd, into)
  const place: Place = around !== undefined && parent === join(around, 'projections') ? 'workspace' : 'package'
  const folder = join(parent, name)
  if (statSync(folder, { throwIfNoEntry: false }) !== undefined) throw new CliError('usage', `${folder} exists already`)
  if (statSync(parent, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw new CliError('usage', `there is no folder ${parent}: make it, or choose another`)
  }
  const files = templateFiles(name, place, ownVersion())
  try {
    mkdirSync(folder)
  } catch (cause) {
    throw new CliError('fault', `cannot make ${folder}: ${(cause as Error).message}`, { cause })
  }
  let changed: string | undefined
  try {
    for (const [path, text] of files) {
      mkdirSync(dirname(join(folder, path)), { recursive: true })
      writeFileSync(join(folder, path), text)
    }
    if (around !== undefined && place === 'workspace') changed = addReference(around, relative(around, folder))
  } catch (cause) {
    rmSync(folder, { recursive: true, force: true })
    throw new CliError('fault', `cannot write ${folder}: ${(cause as Error).message}`, { cause })
  }
  return { folder, place, files: [...files.keys()], changed }
}

/** It names a folder, a package, a consumer group and a topic. */
function checkName(name: string): void {
  const quoted = JSON.stringify(name)
  if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name)) {
    throw new CliError('usage', `the name ${quoted} is not of small letters, digits and single hyphens, a letter first`)
  }
  if (name.length > 64) throw new CliError('usage', `the name ${quoted} is longer than 64 letters`)
  const parts = [...projectionNames, ...processors.map((processor) => processor.name)]
  if (parts.includes(name)) throw new CliError('usage', `${quoted} is the name of a part of Syscribe`)
}

function ownVersion(): string {
  return JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version
}
