import { chmodSync, chownSync, cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { run } from './program.js'
import type { Outputs } from './syscribe.js'
import { syscribeBin } from './syscribe-process.js'
import { asNobody, nobody } from './unprivileged.js'

/** Makes the outputs from the raw log of a data directory with `syscribe derive`. */
export async function derive(dataDir: string, into: Outputs): Promise<void> {
  await run({ command: process.execPath, args: [syscribeBin, 'derive', '--data-dir', dataDir], env: paths(into) })
}

/** The same by a user who has no rights, from a copy of the log that is the user's own. */
export async function deriveAsNobody(dataDir: string, into: Outputs): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'syscribe-nobody-'))
  try {
    const copy = join(folder, 'data')
    cpSync(dataDir, copy, { recursive: true })
    const copied = readdirSync(copy, { recursive: true, encoding: 'utf8' }).map((name) => join(copy, name))
    for (const path of [...copied, copy, into.directory]) chownSync(path, nobody, nobody)
    chmodSync(folder, 0o755)
    await run({ ...asNobody(folder, ['derive', '--data-dir', copy]), env: paths(into) })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function paths(outputs: Outputs): Record<string, string> {
  const { httpLog: OUTPUT_PATH, envYaml: ENV_OUTPUT_PATH, serviceMap: SERVICE_MAP_PATH } = outputs
  return { OUTPUT_PATH, ENV_OUTPUT_PATH, SERVICE_MAP_PATH }
}

const outputFiles = ['httpLog', 'envYaml', 'serviceMap'] as const

/** Byte for byte, but for `generated_at` of the map. */
export function expectSameOutputs(
  found: Outputs,
  expected: Outputs,
  files: readonly (typeof outputFiles)[number][] = outputFiles,
): void {
  for (const file of files) {
    const [one, other] = [found, expected].map((outputs) => textOf(outputs[file]))
    if (one === other) continue
    // The files may be large: a diff of them whole would take minutes.
    const [lines, wanted] = [one, other].map((text) => (text as string).split('\n')) as [string[], string[]]
    const at = wanted.findIndex((line, index) => line !== lines[index])
    expect(excerpt(lines, at), `${file}, line ${at + 1}`).toEqual(excerpt(wanted, at))
    expect(lines.length, `lines of ${file}`).toBe(wanted.length)
  }
}

function excerpt(lines: readonly string[], at: number): string[] {
  return lines.slice(Math.max(0, at), at + 3)
}

function textOf(path: string): string {
  return readFileSync(path, 'utf8').replace(/"generated_at": *"[^"]*"/, '"generated_at": ""')
}
