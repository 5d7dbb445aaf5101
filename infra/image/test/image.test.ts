import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const read = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8')
const dockerfile = read('infra/Dockerfile')

describe('Dockerfile', () => {
  it('takes its base from an argument, and runs as nobody of note with a health check', () => {
    const bases = [...dockerfile.matchAll(/^FROM (\S+)/gm)].map(([, base]) => base)
    expect(new Set(bases)).toEqual(new Set([`\${BASE}`]))
    const last = dockerfile.slice(dockerfile.lastIndexOf('\nFROM '))
    expect(/^USER (\d+):(\d+)$/m.exec(last)?.[1]).toMatch(/^[1-9]/)
    expect(last).toMatch(/^HEALTHCHECK .* CMD \["node", "\/opt\/syscribe\/infra\/image\/healthy\.mjs"\]$/m)
    expect(last).toMatch(/^ENTRYPOINT \["syscribe"\]$/m)
  })

  it('is given the manifest of every workspace, without which npm ci fails', () => {
    const { workspaces }: { workspaces: string[] } = JSON.parse(read('package.json'))
    const lines = read('.dockerignore').split('\n')
    for (const workspace of workspaces.filter((path) => /^(infra|tests)/.test(path))) {
      expect(lines.some((line) => line === `!${workspace}` || line === `!${workspace}/package.json`)).toBe(true)
    }
  })
})

describe('the health check', () => {
  const check = (at: string) =>
    new Promise<{ code: number; said: string }>((resolve) => {
      const script = fileURLToPath(new URL('../healthy.mjs', import.meta.url))
      execFile(process.execPath, [script], { env: { SYSCRIBE_METRICS_PORT: at } }, (error, said) => {
        resolve({ code: error === null ? 0 : Number(error.code), said })
      })
    })

  it.each([
    [200, 0],
    [503, 1],
    [404, 1],
  ])('of an answer with %i ends with %i and says what was answered', async (status, code) => {
    const asked: string[] = []
    const server = createServer((request, response) => {
      asked.push(request.url ?? '')
      response.writeHead(status).end('{"ready":"perhaps"}')
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    for (const host of ['', '127.0.0.1:', '0.0.0.0:']) {
      expect(await check(`${host}${port}`)).toEqual({ code, said: '{"ready":"perhaps"}' })
    }
    expect(asked).toEqual(['/healthz', '/healthz', '/healthz'])
    server.close()
  })

  it('ends with 1 when nobody answers', async () => {
    const { code, said } = await check('127.0.0.1:1')
    expect(code).toBe(1)
    expect(said).toContain('nobody answers on 127.0.0.1:1')
  })
})
