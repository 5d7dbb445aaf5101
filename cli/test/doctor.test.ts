import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { command } from './command.js'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'syscribe-cli-'))
})
afterEach(() => {
  rmSync(folder, { recursive: true, force: true })
})

async function containerChecks(env: Record<string, string>) {
  const { checks } = JSON.parse((await command(['doctor', '--json'], env)).stdout)
  return checks.filter(({ name }: { name: string }) => name === 'containers')
}

test('doctor speaks of containers only when a socket is set, and says what is wrong with it and what to do', async () => {
  expect(await containerChecks({})).toEqual([])
  const socket = join(folder, 'nothing')
  expect(await containerChecks({ CONTAINERD_SOCKET: socket })).toEqual([
    {
      name: 'containers',
      ok: 'warn',
      detail: `Containers are not named until the runtime answers: ${socket}: there is nothing at this path.`,
      remedy: expect.stringContaining('/run/containerd/containerd.sock'),
    },
  ])
})

test('doctor says one thing to do about a folder that is not there', async () => {
  const OUTPUT_PATH = join(folder, 'none', 'http.log')
  const { checks } = JSON.parse((await command(['doctor', '--json'], { OUTPUT_PATH })).stdout)
  expect(checks.find(({ name }: { name: string }) => name === 'outputs')).toEqual({
    name: 'outputs',
    ok: false,
    detail: `OUTPUT_PATH=${JSON.stringify(OUTPUT_PATH)}: there is no folder ${join(folder, 'none')}`,
    remedy: 'Make it, or choose another.',
  })
})
