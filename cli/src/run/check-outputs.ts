import { accessSync, closeSync, constants, openSync, realpathSync, type Stats, statSync, unlinkSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { type Config, type ConfigKey, settings } from '@syscribe/runtime'
import { CliError } from '../cli-error.js'
import { rightsRemedy } from './rights-remedy.js'

/** Settings that name a file to write. */
export const outputKeys = ['outputPath', 'envOutputPath', 'serviceMapPath'] as const satisfies readonly ConfigKey[]

/** Null: that output is not written. */
export type OutputConfig = { [K in (typeof outputKeys)[number]]: Config[K] | null } & Partial<
  Pick<Config, 'ownProjections'>
>

/** The files that are written, each with what the user calls it. */
export function outputFiles(config: OutputConfig): { name: string; path: string }[] {
  const files = outputKeys.flatMap((key) => {
    const path = config[key]
    return path === null ? [] : [{ name: `${settings[key].variable}=${JSON.stringify(path)}`, path }]
  })
  const { variable } = settings.ownProjections
  const own = (config.ownProjections ?? []).map(({ module, target }) => {
    return { name: `${variable}=${JSON.stringify(`${module}=${target}`)}`, path: target }
  })
  return [...files, ...own]
}

/**
 * Makes sure every output can be written, without changing anything, before capture starts.
 * @throws CliError `usage` naming variable and value.
 */
export function checkOutputs(config: OutputConfig): void {
  const places = new Map<string, string>()
  for (const { name, path } of outputFiles(config)) {
    const place = checkOutput(name, resolve(path))
    const other = places.get(place)
    if (other !== undefined) throw new CliError('usage', `${name} is the same file as ${other}: choose another`)
    places.set(place, name)
  }
}

/**
 * Makes sure one file can be written, without changing it.
 * @param name what the user calls it, for the error.
 * @returns the path with its folder's links followed.
 * @throws CliError `usage`
 */
export function checkOutput(name: string, path: string): string {
  const folder = dirname(path)
  const parent = statOf(name, folder)
  if (parent === undefined) {
    throw new CliError('usage', `${name}: there is no folder ${folder}`, { remedy: 'make it, or choose another' })
  }
  if (!parent.isDirectory()) throw new CliError('usage', `${name}: ${folder} is not a folder`)
  const place = join(realpathSync(folder), basename(path))
  const found = statOf(name, place)
  if (found?.isDirectory()) throw new CliError('usage', `${name} is a folder: name a file in it`)
  try {
    if (found === undefined) {
      closeSync(openSync(place, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600))
      unlinkSync(place)
    } else if (found.isFile()) closeSync(openSync(place, constants.O_WRONLY | constants.O_APPEND))
    // Opening a pipe would wait for its reader.
    else accessSync(place, constants.W_OK)
  } catch (cause) {
    throw new CliError('usage', `${name} cannot be written: ${reason(cause)}`, { cause, remedy: rightsRemedy(cause) })
  }
  return place
}

function statOf(name: string, path: string): Stats | undefined {
  try {
    return statSync(path)
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined
    throw new CliError('usage', `${name} cannot be used: ${reason(cause)}`, { cause, remedy: rightsRemedy(cause) })
  }
}

const reasons: Record<string, string> = {
  EACCES: 'permission denied',
  EPERM: 'not permitted',
  EROFS: 'the file system is read-only',
  ENOTDIR: 'a part of the path is not a folder',
  ENOSPC: 'no space is left',
  ETXTBSY: 'it is a program that runs',
  ELOOP: 'its links go round in a circle',
  ENAMETOOLONG: 'the name is too long',
  ENOENT: 'no file can be made there',
}

function reason(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause)
  const code = 'code' in cause ? String(cause.code) : ''
  return reasons[code] ?? cause.message
}
