import { statSync } from 'node:fs'
import { type Config, settings } from '@syscribe/runtime'

/**
 * What is to be said of naming containers; null when that is not asked for. This version does not ask any container
 * runtime: the setting is parsed, and nothing more.
 */
export function containerNaming(config: Pick<Config, 'containerdSocket'>): string | null {
  const path = config.containerdSocket
  if (path === null) return null
  const name = `${settings.containerdSocket.variable}=${JSON.stringify(path)}`
  const fault = isSocket(path) ? '' : ', and it is not a socket'
  return `${name} is not used${fault}: this version does not name containers yet`
}

function isSocket(path: string): boolean {
  try {
    return statSync(path).isSocket()
  } catch {
    return false
  }
}
