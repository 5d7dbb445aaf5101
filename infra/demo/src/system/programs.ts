import { fileURLToPath } from 'node:url'
import type { DemoError } from './demo-error.js'
import { Member } from './member.js'
import { hosts, urls } from './names.js'

const readyMs = 20_000

/** Which program needs which address: its environment is an output too, so each gets only what it uses. */
const environments = {
  'http-service': { HTTP_HOST: hosts['http-service'], HTTP_PORT: '8080', NATS_URL: urls.NATS_URL },
  'request-logger': { NATS_URL: urls.NATS_URL, REDIS_URL: urls.REDIS_URL },
  'traffic-generator': {
    HTTP_SERVICE_URL: urls.HTTP_SERVICE_URL,
    REDIS_URL: urls.REDIS_URL,
    POSTGRES_URL: urls.POSTGRES_URL,
  },
} as const

export type ProgramName = keyof typeof environments

/** Starts one of the profiled programs and waits until it works. */
export async function startProgram(name: ProgramName, onEarlyEnd: (error: DemoError) => void): Promise<Member> {
  const member = new Member({
    name,
    program: process.execPath,
    args: [fileURLToPath(new URL(`../programs/${name}.js`, import.meta.url))],
    env: { PATH: '/usr/local/bin:/usr/bin:/bin', ADI_PROFILE: 'local', ADI_PROFILE_NAME: name, ...environments[name] },
    onEarlyEnd,
  })
  await member.waitForLine('ready', readyMs)
  return member
}
