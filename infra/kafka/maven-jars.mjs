import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const cache = fileURLToPath(new URL('../../node_modules/.cache/syscribe-servers', import.meta.url))
export const kafkaVersion = '4.4.0'
const registryVersion = '2.6.13.Final'
const plugin = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1'

/** Apache Kafka's jars from Maven Central, fetched once. @returns {Promise<string>} their folder */
export function kafkaJars() {
  return fetched(`kafka-${kafkaVersion}`, async (folder) => {
    await writeFile(join(folder, 'pom.xml'), pom)
    const out = join(folder, 'libs')
    await maven(folder, `${plugin}:copy-dependencies`, '-DincludeScope=runtime', `-DoutputDirectory=${out}`)
    return 'libs'
  })
}

/** Apicurio's registry, unpacked. @returns {Promise<string>} its folder */
export function registryJars() {
  return fetched(`apicurio-${registryVersion}`, async (folder) => {
    const artifact = `io.apicurio:apicurio-registry-app:${registryVersion}:tar.gz:all`
    const out = join(folder, 'app')
    await mkdir(out)
    await maven(folder, `${plugin}:copy`, `-Dartifact=${artifact}`, `-DoutputDirectory=${folder}`)
    await run('tar', ['-xzf', `apicurio-registry-app-${registryVersion}-all.tar.gz`, '-C', out], folder)
    return 'app'
  })
}

/**
 * Makes a folder whole or not at all, whoever else does the same at the same time.
 * @param {string} name
 * @param {(folder: string) => Promise<string>} fill fills the folder and names the part of it to use
 */
async function fetched(name, fill) {
  const folder = join(cache, name)
  const found = () => ['libs', 'app'].map((part) => join(folder, part)).find((path) => existsSync(path))
  if (existsSync(join(folder, 'complete'))) return /** @type {string} */ (found())
  await mkdir(dirname(folder), { recursive: true })
  const fresh = await mkdtemp(`${folder}.`)
  try {
    await fill(fresh)
    await writeFile(join(fresh, 'complete'), '')
    if (existsSync(join(folder, 'complete'))) return /** @type {string} */ (found())
    await rm(folder, { recursive: true, force: true })
    await rename(fresh, folder).catch((/** @type {unknown} */ error) => {
      // Another has been quicker.
      if (!existsSync(join(folder, 'complete'))) throw error
    })
    return /** @type {string} */ (found())
  } finally {
    await rm(fresh, { recursive: true, force: true })
  }
}

/** @param {string} cwd @param {...string} args */
function maven(cwd, ...args) {
  return run('mvn', ['-B', '-q', '-ntp', ...args], cwd)
}

/** @param {string} command @param {readonly string[]} args @param {string} cwd @returns {Promise<void>} */
export function run(command, args, cwd) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] })
    let said = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said += chunk))
    child.on('error', reject)
    child.on('close', (code) => {
      if (code === 0) resolve()
      else reject(new Error(`${command} ${args.join(' ')} ended with ${code}: ${said.slice(-2000)}`))
    })
  })
}

const pom = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>syscribe</groupId>
  <artifactId>kafka-for-tests</artifactId>
  <version>1</version>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>${kafkaVersion}</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
`
