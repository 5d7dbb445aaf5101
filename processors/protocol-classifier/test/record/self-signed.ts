import { join } from 'node:path'
import { runProgram } from '../../../../tests/servers/run-program.js'

/** A key and a certificate for `localhost` in `directory`, made by openssl. */
export async function selfSigned(
  directory: string,
  user: { uid: number; gid: number } | null = null,
): Promise<{ key: string; cert: string }> {
  const key = join(directory, 'server.key')
  const cert = join(directory, 'server.crt')
  const kind = [
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-subj',
    '/CN=localhost',
    '-days',
    '1',
  ]
  await runProgram('openssl', ['req', '-x509', ...kind, '-keyout', key, '-out', cert], { user })
  return { key, cert }
}
