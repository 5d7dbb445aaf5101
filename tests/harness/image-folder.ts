import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'

/**
 * Fills a folder with programs of this machine and the libraries that `ldd` names, at the paths they have here: the
 * file system of an image, for `docker import` and the like.
 *
 * @param programs absolute paths; other files (scripts) are copied as they are
 */
export function fillImageFolder(folder: string, programs: readonly string[]): void {
  mkdirSync(join(folder, 'tmp'), { recursive: true })
  for (const program of programs) {
    for (const file of [program, ...librariesOf(program)]) {
      const to = join(folder, file)
      mkdirSync(dirname(to), { recursive: true })
      copyFileSync(realpathSync(file), to)
    }
  }
}

function librariesOf(program: string): string[] {
  try {
    const lines = execFileSync('ldd', [program], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
    return [...lines.matchAll(/(?:^|\s)(\/\S+)(?=\s\(0x)/gm)].map((match) => match[1] as string)
  } catch {
    return [] // linked statically, or a script
  }
}
