import { isUtf8 } from 'node:buffer'
import { objectShape } from './object-shapes.js'
import { TextCache } from './text-cache.js'

/** Values nested deeper than this are no JSON anybody means; a bound on the walk's own depth. */
const maxDepth = 128

const none = Buffer.alloc(0)
const keptMembers = 4096

let bytes: Buffer = none
let at = 0
let end = 0
let depth = 0
let allAscii = true

/** Members of the objects being read, the outer ones' first. */
const keys: string[] = []
const shapes: string[] = []
let members = 0

const texts = new TextCache()

/** Thrown, and caught here, where the bytes stop being JSON. One object, for it is thrown for every other body. */
const notJson = new Error('not JSON')

/**
 * The schema of a JSON text (RFC 8259) as canonical JSON: keys sorted, types in place of values; undefined when the
 * bytes are not JSON. Reads the bytes once and makes no values.
 */
export function jsonShape(source: Buffer, start: number, stop: number): string | undefined {
  bytes = source
  at = start
  end = stop
  depth = 0
  allAscii = true
  members = 0
  // A byte order mark may be ignored (RFC 8259 section 8.1).
  if (source[start] === 0xef && source[start + 1] === 0xbb && source[start + 2] === 0xbf) at += 3
  try {
    space()
    const shape = value()
    space()
    if (at !== end) return undefined
    return allAscii || isUtf8(source.subarray(start, stop)) ? shape : undefined
  } catch (error) {
    if (error === notJson) return undefined
    throw error
  } finally {
    // Not to hold the record; nor the members of an object as large as a body may be.
    bytes = none
    if (keys.length > keptMembers) {
      keys.length = 0
      shapes.length = 0
    }
  }
}

function peek(): number {
  return at < end ? (bytes[at] as number) : -1
}

function space(): void {
  for (let byte = peek(); byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09; byte = peek()) at++
}

function value(): string {
  switch (peek()) {
    case 0x7b: // {
      return object()
    case 0x5b: // [
      return array()
    case 0x22: // "
      string()
      return '"string"'
    case 0x74: // t
      return literal('true', '"boolean"')
    case 0x66: // f
      return literal('false', '"boolean"')
    case 0x6e: // n
      return literal('null', '"null"')
    default:
      number()
      return '"number"'
  }
}

function literal(text: string, shape: string): string {
  if (at + text.length > end) throw notJson
  for (let index = 0; index < text.length; index++) {
    if (bytes[at + index] !== text.charCodeAt(index)) throw notJson
  }
  at += text.length
  return shape
}

function number(): void {
  if (peek() === 0x2d) at++
  if (peek() === 0x30) at++
  else digits()
  if (peek() === 0x2e) {
    at++
    digits()
  }
  if (peek() === 0x65 || peek() === 0x45) {
    at++
    if (peek() === 0x2b || peek() === 0x2d) at++
    digits()
  }
}

function digits(): void {
  const start = at
  for (let byte = peek(); byte >= 0x30 && byte <= 0x39; byte = peek()) at++
  if (at === start) throw notJson
}

/** Passes over a string; says whether it is its own text: ASCII without escapes. */
function string(): boolean {
  const source = bytes
  const stop = end
  let index = at + 1
  let plain = true
  for (;;) {
    if (index >= stop) throw notJson
    const byte = source[index++] as number
    if (byte === 0x22) break
    if (byte < 0x20) throw notJson
    if (byte >= 0x80) {
      plain = false
      allAscii = false
    } else if (byte === 0x5c) {
      plain = false
      index = escapeEnd(index)
    }
  }
  at = index
  return plain
}

/** @returns the index behind the escape whose letter is at `index`. */
function escapeEnd(index: number): number {
  if (index >= end) throw notJson
  switch (bytes[index]) {
    case 0x22: // "
    case 0x5c: // \
    case 0x2f: // /
    case 0x62: // b
    case 0x66: // f
    case 0x6e: // n
    case 0x72: // r
    case 0x74: // t
      return index + 1
    case 0x75: // u
      if (index + 5 > end) throw notJson
      for (let digit = index + 1; digit < index + 5; digit++) {
        if (!isHexDigit(bytes[digit] as number)) throw notJson
      }
      return index + 5
    default:
      throw notJson
  }
}

function isHexDigit(byte: number): boolean {
  return (byte >= 0x30 && byte <= 0x39) || ((byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x66)
}

function enter(): void {
  if (++depth > maxDepth) throw notJson
  at++
  space()
}

/** Behind an element: true when another follows. */
function another(close: number): boolean {
  space()
  const byte = peek()
  if (byte !== 0x2c && byte !== close) throw notJson
  at++
  if (byte === close) {
    depth--
    return false
  }
  space()
  return true
}

function object(): string {
  enter()
  if (peek() === 0x7d) {
    at++
    depth--
    return '{}'
  }
  const from = members
  do {
    if (peek() !== 0x22) throw notJson
    const key = keyText()
    space()
    if (peek() !== 0x3a) throw notJson
    at++
    space()
    const shape = value()
    // Members of what is nested have come and gone: this one stands behind those of the same object.
    keys[members] = key
    shapes[members] = shape
    members++
  } while (another(0x7d))
  const shape = objectShape(keys, shapes, from, members)
  members = from
  return shape
}

/** Reads the key at the cursor. */
function keyText(): string {
  const start = at
  if (string()) return texts.text(bytes, start + 1, at - 1)
  return JSON.parse(bytes.toString('utf8', start, at))
}

function array(): string {
  enter()
  if (peek() === 0x5d) {
    at++
    depth--
    return '[]'
  }
  const first = value()
  let different: Set<string> | undefined
  while (another(0x5d)) {
    const shape = value()
    if (different !== undefined) different.add(shape)
    else if (shape !== first) different = new Set([first, shape])
  }
  // Sorted, so that the order of the elements makes no other variant.
  return different === undefined ? `[${first}]` : `[${[...different].sort().join(',')}]`
}
