import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openEmbeddedLog } from '@syscribe/log'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { makeDirectory } from '../src/embedded/make-directory.js'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'syscribe-log-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const mode = (path: string) => statSync(path).mode & 0o777

test('makes what is missing for the owner only and leaves the rest', () => {
  mkdirSync(join(folder, 'there'), { mode: 0o755 })
  makeDirectory(join(folder, 'there/a/b'))
  makeDirectory(join(folder, 'there/a/b'))
  expect(['there', 'there/a', 'there/a/b'].map((path) => mode(join(folder, path)))).toEqual([0o755, 0o700, 0o700])
})

test('a place that takes no directories is a fault, not an endless attempt', async () => {
  expect(() => makeDirectory('/proc/data/raw')).toThrow(expect.objectContaining({ code: 'ENOENT' }))
  await expect(openEmbeddedLog({ path: '/proc/data' })).rejects.toMatchObject({ code: 'unavailable' })
})
