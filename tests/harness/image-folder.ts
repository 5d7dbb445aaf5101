import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { copyFileSync, mkdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
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

/** Writes an archive as `docker save` does (Docker Image Specification v1.2), for engines that can import no folder. */
export function writeImageArchive(
  run: (command: string, ...args: string[]) => string,
  { name, command }: { name: string; command: readonly string[] },
  folder: string,
  archive: string,
): void {
  const parts = `${archive}.parts`
  mkdirSync(parts, { recursive: true })
  const layer = join(parts, 'layer.tar')
  run('tar', '-C', folder, '-cf', layer, '.')
  const diff = createHash('sha256').update(readFileSync(layer)).digest('hex')
  const config = {
    architecture: { x64: 'amd64' }[process.arch as string] ?? process.arch,
    os: 'linux',
    config: { Cmd: command },
    rootfs: { type: 'layers', diff_ids: [`sha256:${diff}`] },
  }
  writeFileSync(join(parts, 'config.json'), JSON.stringify(config))
  const manifest = [{ Config: 'config.json', RepoTags: [name], Layers: ['layer.tar'] }]
  writeFileSync(join(parts, 'manifest.json'), JSON.stringify(manifest))
  run('tar', '-C', parts, '-cf', archive, 'manifest.json', 'config.json', 'layer.tar')
  rmSync(parts, { recursive: true })
}

function librariesOf(program: string): string[] {
  try {
    const lines = execFileSync('ldd', [program], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
    return [...lines.matchAll(/(?:^|\s)(\/\S+)(?=\s\(0x)/gm)].map((match) => match[1] as string)
  } catch {
    return [] // linked statically, or a script
  }
}
