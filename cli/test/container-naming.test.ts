import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { containerNaming } from '../src/run/container-naming.js'
import { command } from './command.js'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'syscribe-cli-'))
})
afterEach(() => {
  rmSync(folder, { recursive: true, force: true })
})

describe('CONTAINERD_SOCKET', () => {
  it('is not spoken of when it is not set', () => {
    expect(containerNaming({ containerdSocket: null })).toBeNull()
  })

  it('is said not to be used', async () => {
    const path = join(folder, 'socket')
    const server = createServer().listen(path)
    await once(server, 'listening')
    const said = containerNaming({ containerdSocket: path })
    server.close()
    expect(said).toBe(
      `CONTAINERD_SOCKET=${JSON.stringify(path)} is not used: this version does not name containers yet`,
    )
  })

  it('is said not to be a socket when it is none', () => {
    const path = join(folder, 'file')
    writeFileSync(path, '')
    expect(containerNaming({ containerdSocket: path })).toContain('and it is not a socket')
    expect(containerNaming({ containerdSocket: join(folder, 'nothing') })).toContain('and it is not a socket')
  })

  it('has a line in doctor, only when it is set', async () => {
    const names = async (env: Record<string, string>) => {
      const { checks } = JSON.parse((await command(['doctor', '--json'], env)).stdout)
      return checks.filter(({ name }: { name: string }) => name === 'containers')
    }
    expect(await names({})).toEqual([])
    const [check] = await names({ CONTAINERD_SOCKET: join(folder, 'nothing') })
    expect(check).toMatchObject({ ok: 'warn', detail: expect.stringContaining('does not name containers yet') })
  })
})
