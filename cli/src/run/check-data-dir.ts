import { accessSync, constants, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { settings } from '@syscribe/runtime'
import { CliError } from '../cli-error.js'

/**
 * Makes sure the data directory can be made or written, without making it.
 * @throws CliError `usage` naming variable and value.
 */
export function checkDataDir(path: string): void {
  const name = `${settings.dataDir.variable}=${JSON.stringify(path)}`
  let folder = resolve(path)
  for (;;) {
    try {
      if (!statSync(folder).isDirectory()) throw new CliError('usage', `${name}: ${folder} is not a folder`)
      accessSync(folder, constants.W_OK | constants.X_OK)
      return
    } catch (cause) {
      if (cause instanceof CliError) throw cause
      const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
      if (code === 'ENOTDIR') throw new CliError('usage', `${name}: a part of the path is not a folder`, { cause })
      if (code !== 'ENOENT' || folder === '/') {
        const why = code === 'EROFS' ? 'the file system is read-only' : 'permission denied'
        throw new CliError('usage', `${name} cannot be written (${folder}): ${why}`, { cause })
      }
      folder = dirname(folder)
    }
  }
}
