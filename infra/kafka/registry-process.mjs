import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { registryJars } from './maven-jars.mjs'
import { freePort, startProgram } from './program.mjs'

/** Apicurio Registry in memory, with Confluent's API. @returns {Promise<import('./test-broker.d.mts').TestRegistry>} */
export async function startRegistry() {
  const folder = await registryJars()
  const runner = (await readdir(folder)).find((name) => name.endsWith('-runner.jar'))
  if (runner === undefined) throw new Error(`there is no runner jar in ${folder}`)
  const port = await freePort()
  const origin = `http://127.0.0.1:${port}`
  const process = await startProgram('java', ['-Xmx512m', '-XX:TieredStopAtLevel=1', '-jar', join(folder, runner)], {
    cwd: folder,
    env: { QUARKUS_HTTP_PORT: String(port), QUARKUS_HTTP_HOST: '127.0.0.1' },
    name: 'Apicurio Registry',
    ready: () =>
      fetch(`${origin}/health/ready`).then(
        ({ ok }) => ok,
        () => false,
      ),
  })
  return { url: `${origin}/apis/ccompat/v7`, stop: () => process.kill() }
}
