import { CaptureError } from '@syscribe/collector'
import { LogError } from '@syscribe/log'
import { ConfigError, ProjectionError, RuntimeError, settings } from '@syscribe/runtime'
import { CliError } from './cli-error.js'

export interface Explanation {
  /** One clear sentence. */
  message: string
  exitCode: 1 | 2
}

const captureRemedies: Partial<Record<string, string>> = {
  no_rights: 'run it as root (sudo)',
  no_btf: 'use a kernel with BTF (CONFIG_DEBUG_INFO_BTF=y); syscribe doctor says more',
  addon_missing: 'run npm run setup',
  object_missing: 'run npm run setup',
}

/** What to tell the user, and the exit code; undefined for an error nobody foresaw. */
export function explainError(error: unknown): Explanation | undefined {
  if (error instanceof CliError) return { message: error.message, exitCode: error.code === 'usage' ? 2 : 1 }
  if (error instanceof ConfigError) return { message: error.message, exitCode: 2 }
  if (error instanceof CaptureError) {
    return { message: `${error.message}: ${captureRemedies[error.code] ?? 'syscribe doctor says more'}`, exitCode: 1 }
  }
  if (error instanceof LogError && error.code === 'locked') {
    const { flag, variable } = settings.dataDir
    const remedy = `another syscribe uses this data directory: end that, or choose another with ${flag} or ${variable}`
    return { message: `${error.message}; ${remedy}`, exitCode: 1 }
  }
  if (error instanceof LogError || error instanceof ProjectionError || error instanceof RuntimeError)
    return { message: error.message, exitCode: 1 }
  if (error instanceof Error && error.name === 'AbortError') return { message: 'stopped', exitCode: 1 }
  if (error instanceof Error && 'syscall' in error) return { message: error.message, exitCode: 1 }
  return undefined
}
