import type { Schema } from 'avsc'

/** A named type of a schema, to be changed in place. */
export interface NamedNode {
  type: string
  name: string
  namespace: string
  default?: unknown
  fields: { name: string; type: unknown; default?: unknown }[]
  symbols: string[]
}

/** A copy of a topic's schema in which `edit` has changed one named type, wherever it is defined. */
export function edited(union: readonly Schema[], name: string, edit: (node: NamedNode) => unknown): Schema[] {
  const copy = structuredClone(union) as Schema[]
  const found = namedNodes(copy).filter((node) => node.name === name)
  if (found.length !== 1) throw new Error(`${found.length} types ${name}`)
  edit(found[0] as NamedNode)
  return copy
}

/** Every named type that a schema defines, outermost first. */
export function namedNodes(schema: unknown): NamedNode[] {
  if (Array.isArray(schema)) return schema.flatMap(namedNodes)
  if (typeof schema !== 'object' || schema === null) return []
  const node = schema as NamedNode & { items?: unknown; values?: unknown }
  const inner = [...(node.fields ?? []).map(({ type }) => type), node.items, node.values]
  if (typeof node.type === 'object') inner.push(node.type)
  return [...(typeof node.name === 'string' ? [node] : []), ...inner.flatMap(namedNodes)]
}
