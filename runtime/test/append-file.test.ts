import { constants } from 'node:fs'
import {
  appendFile,
  chmod,
  copyFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  truncate,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { AppendFile } from '../src/index.js'

let folder: string
let path: string
let warnings: string[]
const warn = (warning: string): void => {
  warnings.push(warning)
}
const text = (): Promise<string> => readFile(path, 'utf8')

async function write(...parts: string[]): Promise<string> {
  const file = await AppendFile.open(path, null, warn)
  for (const part of parts) await file.append(Buffer.from(part))
  await file.sync()
  const mark = file.mark
  await file.close()
  return mark
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'append-file-'))
  path = join(folder, 'out')
  warnings = []
})
afterEach(() => rm(folder, { recursive: true }))

test('a new file is for its owner only and grows', async () => {
  const file = await AppendFile.open(path, null, warn)
  await file.append(Buffer.from('one\n'))
  await file.append(Buffer.from('two\n'))
  expect(file.length).toBe(8)
  await file.close()
  expect(await text()).toBe('one\ntwo\n')
  expect((await stat(path)).mode & 0o777).toBe(0o600)
  expect(warnings).toEqual([])
})

test('opening at a mark cuts off what came behind it', async () => {
  for (const size of [3, 1023, 1024, 1025, 5000]) {
    await rm(path, { force: true })
    const mark = await write('x'.repeat(size - 2), 'y\n')
    await appendFile(path, 'half a line')
    const file = await AppendFile.open(path, mark, warn)
    expect(file.mark).toBe(mark)
    await file.append(Buffer.from('z\n'))
    await file.close()
    expect(await text()).toBe(`${'x'.repeat(size - 2)}y\nz\n`)
  }
  expect(warnings).toEqual([])
})

test('a mark at the beginning cuts off everything', async () => {
  const mark = await write()
  await appendFile(path, 'never committed\n')
  const file = await AppendFile.open(path, mark, warn)
  await file.close()
  expect(await text()).toBe('')
  expect(await readdir(folder)).toEqual(['out'])
})

test('a copy of the file is the file', async () => {
  const mark = await write('one\n')
  await copyFile(path, `${path}.copy`)
  await rm(path)
  await rename(`${path}.copy`, path)
  await appendFile(path, 'more')
  await (await AppendFile.open(path, mark, warn)).close()
  expect(await text()).toBe('one\n')
  expect(warnings).toEqual([])
})

test('what was there before is set aside, never cut and never overwritten', async () => {
  await writeFile(path, 'precious')
  await writeFile(`${path}.1`, 'older')
  await (await AppendFile.open(path, null, warn)).close()
  expect(await text()).toBe('')
  expect(await readFile(`${path}.1`, 'utf8')).toBe('older')
  expect(await readFile(`${path}.2`, 'utf8')).toBe('precious')
  expect(warnings).toEqual([expect.stringContaining(path)])
})

test('a replaced, shortened or missing file begins anew, with a warning', async () => {
  const mark = await write('one\n', 'two\n')
  await writeFile(path, 'something else that is longer\n')
  let file = await AppendFile.open(path, mark, warn)
  expect([file.length, warnings.length]).toEqual([0, 1])
  await file.close()
  expect(await readFile(`${path}.1`, 'utf8')).toBe('something else that is longer\n')

  await writeFile(path, 'one\n')
  file = await AppendFile.open(path, mark, warn)
  expect([file.length, warnings.length]).toEqual([0, 2])
  await file.close()
  expect(await readFile(`${path}.2`, 'utf8')).toBe('one\n')

  await rm(path)
  file = await AppendFile.open(path, mark, warn)
  expect([file.length, warnings.length]).toEqual([0, 3])
  await file.append(Buffer.from('three\n'))
  await file.close()
  expect(await text()).toBe('three\n')
})

test('a file rotated away while it is written is followed', async () => {
  const file = await AppendFile.open(path, null, warn)
  await file.append(Buffer.from('one\n'))
  await rename(path, `${path}.rotated`)
  await file.append(Buffer.from('two\n'))
  expect(await text()).toBe('two\n')
  expect(await readFile(`${path}.rotated`, 'utf8')).toBe('one\n')
  expect((await stat(path)).mode & 0o777).toBe(0o600)

  await truncate(path, 0)
  await file.append(Buffer.from('3\n'))
  expect([file.length, await text()]).toEqual([2, '3\n'])
  expect(warnings).toHaveLength(2)
  const mark = file.mark
  await file.close()
  const again = await AppendFile.open(path, mark, warn)
  await again.close()
  expect([await text(), warnings.length]).toEqual(['3\n', 2])
})

test('a target that cannot be written is named with the reason', async () => {
  const unwritable = (target: string, reason: RegExp) =>
    expect(AppendFile.open(target, null)).rejects.toThrow(
      expect.objectContaining({
        code: 'target_unwritable',
        message: expect.stringMatching(new RegExp(`${target}: .*${reason.source}`)),
      }),
    )
  await unwritable(join(folder, 'missing', 'out'), /directory does not exist/)
  await mkdir(join(folder, 'dir'))
  await unwritable(join(folder, 'dir'), /is a directory/)
  await writeFile(join(folder, 'file'), '')
  await unwritable(join(folder, 'file', 'out'), /not a directory/)
  if (process.getuid?.() !== 0) {
    await chmod(folder, constants.S_IRUSR | constants.S_IXUSR)
    await unwritable(path, /permission denied/)
    await chmod(folder, 0o700)
  }
})

test('metadata of another projection is refused', async () => {
  await expect(AppendFile.open(path, '{"length":5}')).rejects.toThrow(
    expect.objectContaining({ code: 'metadata_invalid' }),
  )
})

test('a full device gives an error; a device is never cut or set aside', async () => {
  const file = await AppendFile.open('/dev/full', null, warn)
  await expect(file.append(Buffer.from('x'))).rejects.toThrow(/\/dev\/full: no space/)
  await file.close()
  const sink = await AppendFile.open('/dev/null', '100 0123456789abcdef', warn)
  await sink.append(Buffer.from('x'))
  await sink.sync()
  await sink.close()
  expect((await stat('/dev/null')).isCharacterDevice()).toBe(true)
  expect(warnings).toEqual([])
})
