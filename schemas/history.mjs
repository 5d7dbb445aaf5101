// The committed history of the schemas: history/<topic>/<n>.avsc, from 1. `npm run history -w @syscribe/schemas` adds
// the schemas of today where they are new. What is committed never changes: logs hold records written with it.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'

const folder = new URL('./history/', import.meta.url)

/**
 * Every committed version of a topic's schema, oldest first.
 * @param {string} topic
 * @returns {object[][]} unions of records
 */
export function committedVersions(topic) {
  const ofTopic = new URL(`${topic}/`, folder)
  if (!existsSync(ofTopic)) return []
  const numbers = readdirSync(ofTopic).map((name) => Number(/^(\d+)\.avsc$/.exec(name)?.[1] ?? Number.NaN))
  return numbers
    .sort((one, other) => one - other)
    .map((number, index) => {
      if (number !== index + 1) throw new Error(`schemas/history/${topic}: ${index + 1}.avsc is missing`)
      return JSON.parse(readFileSync(new URL(`${number}.avsc`, ofTopic), 'utf8'))
    })
}

/** Topics with a committed history. */
export function topicsWithHistory() {
  return readdirSync(folder).sort()
}

/**
 * A schema without its documentation: what a version is told by.
 * @template T
 * @param {T} schema
 * @returns {T}
 */
export function withoutDocs(schema) {
  return JSON.parse(
    JSON.stringify(schema, (key, value) => (key === 'doc' && typeof value === 'string' ? undefined : value)),
  )
}

/**
 * Whether a schema is the newest committed one.
 * @param {string} topic
 * @param {unknown} schema
 */
export function isNewest(topic, schema) {
  return JSON.stringify(committedVersions(topic).at(-1)) === JSON.stringify(withoutDocs(schema))
}

/**
 * The schemas whose history is kept: of every topic's value, and of the entries of state topics.
 * @param {Pick<typeof import('./src/index.ts'), 'topicNames' | 'topics' | 'unionSchema'>} schemas
 * @returns {[topic: string, schema: object[]][]}
 */
export function currentSchemas({ topicNames, topics, unionSchema }) {
  return [
    ...topicNames.map((topic) => /** @type {[string, object[]]} */ ([topic, unionSchema(topics[topic].records)])),
    ['state', unionSchema(['StateEntry'])],
  ]
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const built = await import('./dist/index.js')
  for (const [topic, schema] of currentSchemas(built)) {
    if (isNewest(topic, schema)) continue
    const versions = committedVersions(topic)
    const problems = versions.flatMap((version, index) =>
      built.incompatibilities(schema, version).map((problem) => `cannot read version ${index + 1}: ${problem}`),
    )
    if (problems.length > 0) {
      process.stderr.write(`schemas: topic ${topic}:\n${problems.map((problem) => `  ${problem}\n`).join('')}`)
      process.exitCode = 1
      continue
    }
    mkdirSync(new URL(`${topic}/`, folder), { recursive: true })
    writeFileSync(
      new URL(`${topic}/${versions.length + 1}.avsc`, folder),
      `${JSON.stringify(withoutDocs(schema), null, 2)}\n`,
    )
    process.stdout.write(`schemas/history/${topic}/${versions.length + 1}.avsc\n`)
  }
}
