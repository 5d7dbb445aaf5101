import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { ReplacedFile, writeAll } from '../src/replaced-file.js'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'replaced-file-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const bytes = (text: string) => [Buffer.from(text)]

test('a reader never sees half a file', async () => {
  const path = join(folder, 'map.json')
  const file = await ReplacedFile.open(path)
  const text = (round: number) => String(round % 10).repeat(1 + (round % 3) * 1_500_000)
  await file.replace(bytes(text(0)), false)
  let done = false
  const sizes = new Set<number>()
  const reader = (async () => {
    while (!done) {
      const seen = readFileSync(path, 'latin1')
      expect(seen).toBe(seen.charAt(0).repeat(seen.length))
      sizes.add(seen.length)
      await new Promise((resolve) => setImmediate(resolve))
    }
  })()
  const whole = new Set<number>()
  for (let round = 1; round < 30; round++) {
    whole.add(text(round).length)
    await file.replace(bytes(text(round)), false)
  }
  done = true
  await reader
  for (const size of sizes) expect([...whole, 1]).toContain(size)
  expect(statSync(path).mode & 0o777).toBe(0o600)
  expect(readdirSync(folder)).toEqual(['map.json'])
})

test('what was left beside it by a crash is replaced, and a link there is not followed', async () => {
  const path = join(folder, 'map.json')
  writeFileSync(join(folder, 'victim'), 'mine')
  symlinkSync(join(folder, 'victim'), join(folder, '.map.json.new'))
  const file = await ReplacedFile.open(path)
  symlinkSync(join(folder, 'victim'), join(folder, '.map.json.new'))
  await file.replace(bytes('{}'), true)
  expect(readFileSync(join(folder, 'victim'), 'utf8')).toBe('mine')
  expect(readFileSync(path, 'utf8')).toBe('{}')
})

test('a symbolic link keeps leading to the map', async () => {
  mkdirSync(join(folder, 'elsewhere'))
  writeFileSync(join(folder, 'elsewhere', 'real.json'), 'old')
  symlinkSync(join(folder, 'elsewhere', 'real.json'), join(folder, 'map.json'))
  await (await ReplacedFile.open(join(folder, 'map.json'))).replace(bytes('new'), false)
  expect(readFileSync(join(folder, 'elsewhere', 'real.json'), 'utf8')).toBe('new')
})

test('a device or a directory is not replaced by a file; a missing directory is named', async () => {
  await expect(ReplacedFile.open('/dev/null')).rejects.toMatchObject({
    code: 'target_unwritable',
    message: expect.stringContaining('/dev/null'),
  })
  await expect(ReplacedFile.open(folder)).rejects.toMatchObject({ code: 'target_unwritable' })
  await expect(ReplacedFile.open(join(folder, 'none', 'map.json'))).rejects.toMatchObject({
    code: 'target_unwritable',
    message: expect.stringContaining(join(folder, 'none', 'map.json')),
  })
})

test('a write that fails leaves the old content and nothing beside it', async () => {
  const path = join(folder, 'map.json')
  const file = await ReplacedFile.open(path)
  await file.replace(bytes('old'), false)
  function* failing(): Generator<Buffer> {
    yield Buffer.alloc(2_000_000)
    throw new Error('no more')
  }
  await expect(file.replace(failing(), false)).rejects.toMatchObject({ code: 'target_unwritable' })
  expect(readFileSync(path, 'utf8')).toBe('old')
  expect(existsSync(join(folder, '.map.json.new'))).toBe(false)
})

test('all is written also when the kernel takes a little at a time', async () => {
  const written: Buffer[] = []
  const slow = {
    writev: async (pieces: readonly Uint8Array[]) => {
      const taken = Buffer.concat(pieces).subarray(0, 3)
      written.push(taken)
      return { bytesWritten: taken.length, buffers: pieces }
    },
  }
  await writeAll(
    slow as never,
    ['ab', 'cdefg', 'h', 'ijklmnop'].map((text) => Buffer.from(text)),
  )
  expect(Buffer.concat(written).toString()).toBe('abcdefghijklmnop')
})
