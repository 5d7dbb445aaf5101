import avro, { type Schema, type Type } from 'avsc'

/**
 * Why a reader of one topic's schema cannot read what another schema of that topic wrote: one sentence each, beginning
 * with the place (`SocketIo.role`). Empty when it can (Avro 1.12, "Schema Resolution"). A compatibility of BACKWARD in
 * the terms of a schema registry is: `incompatibilities(newer, older)` is empty.
 *
 * Both schemas are unions of records, as `unionSchema` gives them.
 */
export function incompatibilities(reader: readonly Schema[], writer: readonly Schema[]): string[] {
  const readers = new Map(typesOf(reader).map((type) => [simpleName(type), type]))
  return typesOf(writer).flatMap((written) => {
    const name = simpleName(written)
    const type = readers.get(name)
    return type === undefined
      ? [`${name}: records of this kind can no longer be read`]
      : differences(type, written, name)
  })
}

/** What a type cannot read of another, down to the fields at fault. avsc decides; this only finds the place. */
function differences(reader: Type, writer: Type, at: string): string[] {
  if (resolves(reader, writer)) return []
  const found = inside(reader, writer, at)
  return found.length > 0 ? found : [`${at}: ${typeText(writer)} cannot be read as ${typeText(reader)}`]
}

function inside(reader: Type, writer: Type, at: string): string[] {
  const { EnumType, RecordType, ArrayType } = avro.types
  if (reader instanceof RecordType && writer instanceof RecordType && simpleName(reader) === simpleName(writer)) {
    const written = new Map(writer.fields.map((field) => [field.name, field.type]))
    return reader.fields.flatMap((field) => {
      const name = [field.name, ...field.aliases].find((name) => written.has(name))
      if (name !== undefined) return differences(field.type, written.get(name) as Type, `${at}.${field.name}`)
      return field.defaultValue() === undefined ? [`${at}.${field.name}: a new field needs a default`] : []
    })
  }
  if (reader instanceof EnumType && writer instanceof EnumType && simpleName(reader) === simpleName(writer)) {
    const gone = writer.symbols.filter((symbol) => !reader.symbols.includes(symbol))
    return gone.length > 0 ? [`${at}: symbol ${gone.join(', ')} is gone, and the enum has no default`] : []
  }
  if (reader instanceof ArrayType && writer instanceof ArrayType) {
    return differences(reader.itemsType, writer.itemsType, `${at}[]`)
  }
  const readers = branches(reader)
  return branches(writer).flatMap((branch) => {
    if (readers.some((type) => resolves(type, branch))) return []
    const same = readers.find((type) => type.typeName === branch.typeName && simpleName(type) === simpleName(branch))
    return same === undefined || same === reader ? [] : differences(same, branch, at)
  })
}

function resolves(reader: Type, writer: Type): boolean {
  try {
    reader.createResolver(writer)
    return true
  } catch {
    return false
  }
}

function branches(type: Type): Type[] {
  const { UnwrappedUnionType, WrappedUnionType } = avro.types
  return type instanceof UnwrappedUnionType || type instanceof WrappedUnionType ? type.types : [type]
}

function typeText(type: Type): string {
  const parts = branches(type)
  if (parts.length > 1) return parts.map(typeText).join(' or ')
  const size = type instanceof avro.types.FixedType ? ` of ${type.size} bytes` : ''
  return type.name === undefined ? type.typeName : `${type.typeName} ${simpleName(type)}${size}`
}

/** One registry for all branches: a later branch mentions by name what an earlier one defined. */
function typesOf(union: readonly Schema[]): Type[] {
  const registry: Record<string, Type> = {}
  return union.map((branch) => avro.Type.forSchema(branch, { registry }))
}

function simpleName(type: Type): string {
  return (type.name ?? '').split('.').pop() ?? ''
}
