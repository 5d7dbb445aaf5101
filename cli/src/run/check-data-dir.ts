import { mkdtempSync, rmdirSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { settings } from '@syscribe/runtime'
import { CliError } from '../cli-error.js'
import { rightsRemedy } from './rights-remedy.js'

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
      // Rights alone do not tell: root has them all in /proc.
      rmdirSync(mkdtempSync(join(folder, '.syscribe-')))
      return
    } catch (cause) {
      if (cause instanceof CliError) throw cause
      const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
      if (code === 'ENOTDIR') throw new CliError('usage', `${name}: a part of the path is not a folder`, { cause })
      const missing = code === 'ENOENT' && statSync(folder, { throwIfNoEntry: false }) === undefined
      if (!missing || folder === '/') {
        const why = reasons[String(code)] ?? 'permission denied'
        throw new CliError('usage', `${name} cannot be written (${folder}): ${why}`, {
          cause,
          remedy: rightsRemedy(cause),
        })
      }
      folder = dirname(folder)
    }
  }
}

const reasons: Record<string, string> = {
  EROFS: 'the file system is read-only',
  ENOSPC: 'no space is left',
  EDQUOT: 'no space is left to this user',
  ENOENT: 'no folder can be made there',
}
