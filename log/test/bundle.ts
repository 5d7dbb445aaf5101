import { mkdtempSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { rolldown } from 'rolldown'

/**
 * Makes the programs of `children/` into files that a node of any version runs, straight from the sources. They lie
 * below the repository, where `lmdb` is found.
 */
export async function bundleChildren(...names: string[]): Promise<{ file(name: string): string; dispose(): void }> {
  const folder = mkdtempSync(fileURLToPath(new URL('../../node_modules/.log-test-', import.meta.url)))
  for (const name of names) {
    const bundle = await rolldown({
      input: fileURLToPath(new URL(`./children/${name}.ts`, import.meta.url)),
      external: ['lmdb'],
      // Sources that read files beside them still find them.
      plugins: [
        {
          name: 'own-url',
          transform: (code, id) => code.replaceAll('import.meta.url', JSON.stringify(pathToFileURL(id).href)),
        },
      ],
      platform: 'node',
      resolve: { conditionNames: ['syscribe-source', 'node', 'import'] },
    })
    await bundle.write({ file: join(folder, `${basename(name)}.mjs`), format: 'esm' })
    await bundle.close()
  }
  return {
    file: (name) => join(folder, `${name}.mjs`),
    dispose: () => rmSync(folder, { recursive: true, force: true }),
  }
}
