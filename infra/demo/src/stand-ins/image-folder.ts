import { execFileSync } from 'node:child_process'
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'

/** A temporary folder to build an image from: its Dockerfile, and what the root folder of the image holds. */
export class ImageFolder {
  readonly path = mkdtempSync(join(tmpdir(), 'syscribe-stand-in-'))
  readonly #root = join(this.path, 'root')

  /** With the two users that every image has, and `user` (the group has the same name and number). */
  constructor(user?: { name: string; id: number }) {
    const users = [{ name: 'root', id: 0 }, { name: 'nobody', id: 65534 }, ...(user === undefined ? [] : [user])]
    this.write('/etc/passwd', users.map(({ name, id }) => `${name}:x:${id}:${id}::/:/bin/sh\n`).join(''))
    this.write('/etc/group', users.map(({ name, id }) => `${name}:x:${id}:\n`).join(''))
    // Names in containers are in /etc/hosts or the engine's DNS (nsswitch.conf(5)).
    this.write('/etc/nsswitch.conf', 'passwd: files\ngroup: files\nhosts: files dns\n')
    this.addWritableFolder('/tmp')
  }

  /** A program with the shared libraries that ldd(1) names, into `folder`, or to the path it has here. */
  addProgram(program: string, folder = dirname(program)): void {
    this.#copy(program, join(folder, basename(program)))
    for (const library of librariesOf(program)) this.#copy(library, library)
  }

  /** A file or folder to the path it has here; links become what they lead to. */
  addFiles(path: string): void {
    this.#copy(path, path)
  }

  write(path: string, content: string, mode = 0o644): void {
    const target = join(this.#root, path)
    mkdirSync(dirname(target), { recursive: true })
    writeFileSync(target, content)
    chmodSync(target, mode)
  }

  /** A folder where anybody may write: a server that is not root keeps its data there. */
  addWritableFolder(path: string): void {
    const target = join(this.#root, path)
    mkdirSync(target, { recursive: true })
    chmodSync(target, 0o1777)
  }

  /** The lines of the Dockerfile that say how the image is run. */
  describe(...instructions: string[]): this {
    writeFileSync(join(this.path, 'Dockerfile'), ['FROM scratch', 'COPY root /', ...instructions, ''].join('\n'))
    return this
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true })
  }

  #copy(from: string, to: string): void {
    const target = join(this.#root, to)
    if (existsSync(target)) return
    mkdirSync(dirname(target), { recursive: true })
    cpSync(from, target, { recursive: true, dereference: true })
  }
}

/** Paths of the shared libraries and the loader of a program; none of a static one. */
function librariesOf(program: string): string[] {
  let listed: string
  try {
    listed = execFileSync('ldd', [program], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  } catch (error) {
    if (String((error as { stderr?: unknown }).stderr).includes('not a dynamic executable')) return []
    throw error
  }
  return listed.split('\n').flatMap((line) => /(?:=> |^\s*)(\/\S+) \(0x/.exec(line)?.[1] ?? [])
}
