import { nonJson, type SchemaText } from './body-schema.js'
import type { ConnectionState, EndpointState, Seen, ServiceState } from './map-state.js'
import { momentText } from './moment.js'

/** Indentation of an entry's braces in the file. */
const entryIndent = '        '
const fieldIndent = `${entryIndent}  `

/** Canonical schema texts in their indented form: the same few are written again and again. */
const indented = new Map<string, string>()
const rememberedMost = 4096

/** What begins an entry, stands between its fields and ends it. */
const open = `${entryIndent}{\n${fieldIndent}`
const next = `,\n${fieldIndent}`
const close = `\n${entryIndent}}`

/** The text of one entry of `endpoints`. One template: in a large map this is what a write costs. */
export function endpointText(endpoint: EndpointState): string {
  const { request, response, unanswered } = endpoint
  const missed = unanswered > 0 ? `${next}"unanswered": ${unanswered}` : ''
  const partial = isGuess(request) || isGuess(response) ? `${next}"schema_partial": true` : ''
  return `${open}"destination": ${JSON.stringify(endpoint.destination)}${next}"destination_type": "${
    endpoint.type
  }"${next}"method": ${JSON.stringify(endpoint.method)}${next}"path": ${JSON.stringify(
    endpoint.path,
  )}${next}"request_schema": ${schema(request)}${next}"response_schema": ${schema(response)}${next}${times(
    endpoint,
    next,
  )}${next}"count": ${endpoint.count}${missed}${next}"completeness": ${completeness(endpoint)}${partial}${close}`
}

/** The text of one entry of `connections`. */
export function connectionText(connection: ConnectionState): string {
  const fields = [
    `"destination": ${JSON.stringify(connection.destination)}`,
    `"destination_type": "${connection.type}"`,
    `"protocol": ${JSON.stringify(connection.protocol)}`,
    `"category": ${JSON.stringify(connection.category)}`,
    `"port": ${connection.port}`,
    `"confidence": ${connection.confidence}`,
    `"reason": ${JSON.stringify(connection.reason)}`,
    times(connection, next),
    `"count": ${connection.count}`,
    `"completeness": ${completeness(connection)}`,
  ]
  return open + fields.join(next) + close
}

/** What stands in a service before its endpoints, between them and its connections, and behind these. */
export function serviceTexts(service: ServiceState): { head: string; between: string; tail: string } {
  const indent = '      '
  const image = service.image === null ? '' : `${indent}"image": ${JSON.stringify(service.image)},\n`
  const between = `,\n${indent}`
  const unattributed = service.unattributed > 0 ? `${between}"unattributed": ${service.unattributed}` : ''
  return {
    head: `    {\n${indent}"name": ${JSON.stringify(service.name)},\n${image}${indent}"endpoints": `,
    between: `${between}"connections": `,
    tail: `${between}${times(service, between)}${between}"completeness": ${completeness(service)}${unattributed}\n    }`,
  }
}

export function isGuess(text: SchemaText): boolean {
  return text.startsWith('?')
}

function times(seen: Seen, between: string): string {
  return `"first_seen": "${momentText(seen.first)}"${between}"last_seen": "${momentText(seen.last)}"`
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
