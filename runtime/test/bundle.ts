import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { rolldown } from 'rolldown'

/** Makes a program of `children/` into a file that node runs, straight from the sources. */
export async function bundleChild(name: string): Promise<{ file: string; dispose(): void }> {
  // Below the repository, where the packages left out of the bundle are found.
  const folder = mkdtempSync(fileURLToPath(new URL('../../node_modules/.runtime-test-', import.meta.url)))
  const bundle = await rolldown({
    input: fileURLToPath(new URL(`./children/${name}.ts`, import.meta.url)),
    external: ['lmdb', 'pino', 'avsc', 'zod', 'kafkajs'],
    plugins: [
      {
        name: 'own-url',
        // Sources that read files beside them still find them.
        transform: (code, id) => code.replaceAll('import.meta.url', JSON.stringify(pathToFileURL(id).href)),
      },
    ],
    platform: 'node',
    resolve: { conditionNames: ['syscribe-source', 'node', 'import'] },
  })
  const file = join(folder, `${name}.mjs`)
  await bundle.write({ file, format: 'esm' })
  await bundle.close()
  return { file, dispose: () => rmSync(folder, { recursive: true, force: true }) }
}
