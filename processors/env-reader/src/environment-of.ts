import { createHash } from 'node:crypto'
import type { Environment, ProcessSeen } from '@syscribe/schemas'
import { cmdlineText } from './cmdline.js'
import { readEnvironmentBlock } from './environment-block.js'

/** What the log says of an image of a process, decoded and ready to show. */
export function environmentOf(image: ProcessSeen): Environment {
  const { environment, environmentError } = image
  const error = environmentError ?? (environment === null ? 'the environment could not be read' : null)
  return {
    process: { host: image.host, boot: image.boot, pid: image.pid, processStart: image.processStart },
    time: image.time,
    timeNanos: image.timeNanos,
    comm: image.comm,
    cmdline: cmdlineText(image.cmdline),
    profile: image.profile,
    profileName: image.profileName,
    ...(environment === null
      ? { variables: [], invalidUtf8: [] }
      : readEnvironmentBlock(environment, environmentError !== null)),
    error,
  }
}

/** The same for two images whose environments would be written alike. */
export function imageFingerprint(image: ProcessSeen): string {
  const hash = createHash('sha256')
  const parts = [image.cmdline, image.profile, image.profileName, image.environment, image.environmentError]
  for (const part of parts) hash.update(part === null ? '-' : `${part.length}:`).update(part ?? '')
  return hash.digest('base64')
}
