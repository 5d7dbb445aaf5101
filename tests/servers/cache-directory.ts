import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Where servers that are not Debian packages are kept between test runs. */
export async function cacheDirectory(name: string): Promise<string> {
  const path = join(fileURLToPath(new URL('../../node_modules/.cache/syscribe-servers', import.meta.url)), name)
  await mkdir(path, { recursive: true })
  return path
}
