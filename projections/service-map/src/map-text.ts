import { nonJson, type SchemaText } from './body-schema.js'
import type { ConnectionState, EndpointState, Seen, ServiceState } from './map-state.js'
import { momentText } from './moment.js'

/** Indentation of an entry's braces in the file. */
const entryIndent = '        '
const fieldIndent = `${entryIndent}  `

/** Canonical schema texts in their indented form: the same few are written again and again. */
const indented = new Map<string, string>()
const rememberedMost = 4096

/** The text of one entry of `endpoints`. */
export function endpointText(endpoint: EndpointState): string {
  const { request, response } = endpoint
  return entry([
    ['destination', JSON.stringify(endpoint.destination)],
    ['destination_type', `"${endpoint.type}"`],
    ['method', JSON.stringify(endpoint.method)],
    ['path', JSON.stringify(endpoint.path)],
    ['request_schema', schema(request)],
    ['response_schema', schema(response)],
    ...times(endpoint),
    ['count', String(endpoint.count)],
    endpoint.unanswered > 0 ? ['unanswered', String(endpoint.unanswered)] : undefined,
    ['completeness', completeness(endpoint)],
    isGuess(request) || isGuess(response) ? ['schema_partial', 'true'] : undefined,
  ])
}

/** The text of one entry of `connections`. */
export function connectionText(connection: ConnectionState): string {
  return entry([
    ['destination', JSON.stringify(connection.destination)],
    ['destination_type', `"${connection.type}"`],
    ['protocol', JSON.stringify(connection.protocol)],
    ['category', JSON.stringify(connection.category)],
    ['port', String(connection.port)],
    ['confidence', String(connection.confidence)],
    ['reason', JSON.stringify(connection.reason)],
    ...times(connection),
    ['count', String(connection.count)],
    ['completeness', completeness(connection)],
  ])
}

/** What stands in a service before its endpoints, between them and its connections, and behind these. */
export function serviceTexts(service: ServiceState): { head: string; between: string; tail: string } {
  const indent = '      '
  const image = service.image === null ? '' : `${indent}"image": ${JSON.stringify(service.image)},\n`
  const rest = [
    ...times(service),
    ['completeness', completeness(service)] as const,
    ...(service.unattributed > 0 ? [['unattributed', String(service.unattributed)] as const] : []),
  ]
  return {
    head: `    {\n${indent}"name": ${JSON.stringify(service.name)},\n${image}${indent}"endpoints": `,
    between: `,\n${indent}"connections": `,
    tail: `,\n${rest.map(([name, value]) => `${indent}"${name}": ${value}`).join(',\n')}\n    }`,
  }
}

export function isGuess(text: SchemaText): boolean {
  return text.startsWith('?')
}

function entry(fields: (readonly [string, string] | undefined)[]): string {
  let text = `${entryIndent}{`
  let separator = '\n'
  for (const field of fields) {
    if (field === undefined) continue
    text += `${separator}${fieldIndent}"${field[0]}": ${field[1]}`
    separator = ',\n'
  }
  return `${text}\n${entryIndent}}`
}

function times(seen: Seen): [string, string][] {
  return [
    ['first_seen', `"${momentText(seen.first)}"`],
    ['last_seen', `"${momentText(seen.last)}"`],
  ]
}

/** Rounded down, so that 1 means that nothing is missing. */
function completeness({ captured, passed }: Seen): string {
  if (passed <= 0 || captured >= passed) return '1'
  return String(Math.floor((captured / passed) * 1e6) / 1e6)
}

function schema(text: SchemaText): string {
  if (text === 'null' || text === nonJson) return text
  let found = indented.get(text)
  if (found === undefined) {
    found = indent(isGuess(text) ? text.slice(1) : text)
    if (indented.size >= rememberedMost) indented.clear()
    indented.set(text, found)
  }
  return found
}

/** Canonical JSON with line breaks; done on the text, for an object would put keys like "2" in front. */
function indent(text: string): string {
  let out = ''
  let margin = fieldIndent
  let inString = false
  for (let at = 0; at < text.length; at++) {
    const char = text.charAt(at)
    if (inString) {
      out += char
      if (char === '\\') out += text.charAt(++at)
      else if (char === '"') inString = false
    } else if (char === '"') {
      inString = true
      out += char
    } else if (char === '{' || char === '[') {
      const next = text.charAt(at + 1)
      if (next === '}' || next === ']') {
        out += char + next
        at++
      } else {
        margin += '  '
        out += `${char}\n${margin}`
      }
    } else if (char === '}' || char === ']') {
      margin = margin.slice(0, -2)
      out += `\n${margin}${char}`
    } else {
      out += char === ',' ? `,\n${margin}` : char === ':' ? ': ' : char
    }
  }
  return out
}
