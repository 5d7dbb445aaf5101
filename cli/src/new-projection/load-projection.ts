import { existsSync, readFileSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { AnyProjectionTask } from '@syscribe/runtime'
import { topicNames } from '@syscribe/schemas'
import { CliError } from '../cli-error.js'

/**
 * Whether an argument that names a projection is a path to one: it has a slash or begins with a dot, as names of parts
 * never do.
 */
export function isModulePath(argument: string): boolean {
  return /^\.|[/\\]/.test(argument)
}

/**
 * Loads a projection that is not one of Syscribe's own: the default export of a module.
 * @param path of the module, or of a folder with a package.json that names it.
 * @throws CliError `usage` when there is none, it is not built, or its default export is no projection; `fault` with
 *   what the module itself threw.
 */
export async function loadProjection(path: string): Promise<AnyProjectionTask['projection']> {
  const file = moduleFile(path)
  let exported: { default?: unknown }
  try {
    exported = await import(pathToFileURL(file).href)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new CliError('fault', `cannot load ${path} (${file}): ${reason}`, { cause })
  }
  const problem = problemOf(exported.default)
  if (problem !== undefined) {
    throw new CliError('usage', `${path} (${file}) does not export a projection as its default: ${problem}`)
  }
  return exported.default as AnyProjectionTask['projection']
}

function moduleFile(path: string): string {
  const place = resolve(path)
  const found = statSync(place, { throwIfNoEntry: false })
  if (found === undefined) throw new CliError('usage', `there is no ${place}`)
  if (!found.isDirectory()) return place
  const description = join(place, 'package.json')
  if (!existsSync(description)) throw new CliError('usage', `${place} has no package.json: name the module's file`)
  let entry: string
  try {
    entry = entryOf(JSON.parse(readFileSync(description, 'utf8')))
  } catch (cause) {
    throw new CliError('usage', `${description} cannot be read: ${(cause as Error).message}`, { cause })
  }
  const file = join(place, entry)
  if (!existsSync(file)) throw new CliError('usage', `${file} is missing: build it first (npm run build in ${place})`)
  return file
}

/** What importing the package by its name would load (nodejs.org/api/packages.html, "Package entry points"). */
function entryOf(description: { exports?: unknown; main?: unknown }): string {
  const { exports, main } = description
  const entry = targetOf(isObject(exports) && '.' in exports ? exports['.'] : exports) ?? main
  return typeof entry === 'string' ? entry : 'index.js'
}

function targetOf(exported: unknown): string | undefined {
  if (typeof exported === 'string') return exported
  if (!isObject(exported)) return undefined
  for (const [condition, target] of Object.entries(exported)) {
    if (!['node', 'import', 'default'].includes(condition)) continue
    const found = targetOf(target)
    if (found !== undefined) return found
  }
  return undefined
}

/** It may be made with another copy of the runtime, so only its shape can be told. */
function problemOf(value: unknown): string | undefined {
  if (!isObject(value)) return value === undefined ? 'there is no default export' : `it is ${typeName(value)}`
  const { name, topics, state, open } = value
  if (typeof name !== 'string' || !/^[a-z][a-z0-9-]*$/.test(name)) return 'its name is not a text in kebab case'
  if (!Array.isArray(topics) || topics.length === 0) return 'it names no topics'
  const strange = topics.find((topic) => !topicNames.includes(topic))
  if (strange !== undefined) return `there is no topic ${JSON.stringify(strange)}: one of ${topicNames.join(', ')}`
  if (!isObject(state) || typeof state.encode !== 'function' || typeof state.decode !== 'function') {
    return 'its state has no encode and decode'
  }
  return typeof open === 'function' ? undefined : 'it has no open'
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

function typeName(value: unknown): string {
  return value === null ? 'null' : `a ${typeof value}`
}
