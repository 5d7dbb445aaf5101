import type { Environment } from '@syscribe/schemas'
import { COLLECTION_STYLE, type MappingNode, type Node, present, SCALAR_STYLE, YAML11_SCHEMA } from 'js-yaml'

/**
 * One environment as a YAML document, `---` first. Numbers but for the pid and all text are quoted with escapes, so
 * that what is loaded is the same text under YAML 1.1 and 1.2; names are quoted where either could read them as
 * something else. Of an environment that could not be had there is `error` and no `adi_profile_env`.
 */
export function yamlDocument(environment: Environment): string {
  const { process, profile, profileName, cmdline, variables, invalidUtf8, error } = environment
  const fields: [string, Node][] = [
    ['adi_profile_pid', integer(process.pid)],
    ['adi_profile_match', quoted(profile)],
  ]
  if (profileName !== null) fields.push(['adi_profile_name', quoted(profileName)])
  fields.push(['adi_profile_cmdline', quoted(cmdline)])
  if (error === null || variables.length > 0) {
    fields.push(['adi_profile_env', mapping(variables.map(({ name, value }) => [name, quoted(value)]))])
  }
  if (invalidUtf8.length > 0) fields.push(['adi_profile_env_invalid_utf8', list(invalidUtf8.map(quoted))])
  if (error !== null) fields.push(['error', quoted(error)])
  // Unlimited width: a folded line would cost the reader of the file more than it gives.
  const options = { schema: YAML11_SCHEMA, lineWidth: -1 }
  return present([{ contents: mapping(fields), explicitStart: true, directives: [] }], options)
}

const untagged = { tagged: false }

function quoted(value: string): Node {
  const style = SCALAR_STYLE.DOUBLE_QUOTED
  return { ...untagged, kind: 'scalar', tag: 'tag:yaml.org,2002:str', style, value }
}

/** A name. js-yaml quotes the words of YAML 1.1 (booleans, null); what begins with a digit or sign is quoted here. */
function name(value: string): Node {
  const plain = /^[A-Za-z_][A-Za-z0-9_]*$/.test(value)
  const style = plain ? SCALAR_STYLE.PLAIN : SCALAR_STYLE.DOUBLE_QUOTED
  return { ...untagged, kind: 'scalar', tag: 'tag:yaml.org,2002:str', style, value }
}

function integer(value: number): Node {
  const style = SCALAR_STYLE.PLAIN
  return { ...untagged, kind: 'scalar', tag: 'tag:yaml.org,2002:int', style, value: String(value) }
}

function list(items: Node[]): Node {
  return { ...untagged, kind: 'sequence', tag: 'tag:yaml.org,2002:seq', style: COLLECTION_STYLE.BLOCK, items }
}

function mapping(pairs: [string, Node][]): MappingNode {
  const items = pairs.map(([key, value]) => ({ key: name(key), value }))
  return { ...untagged, kind: 'mapping', tag: 'tag:yaml.org,2002:map', style: COLLECTION_STYLE.BLOCK, items }
}
