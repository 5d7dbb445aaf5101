import { z } from 'zod'

/** What one setting may be: each schema takes the text of a variable or flag, never empty, and gives its value. */

export const text = z.string()

/** A path of a file or folder. Control characters in it are always a mistake of quoting. */
export const path = z
  .string()
  .refine((value) => !hasControl(value), 'must be a path, without control characters')
  .refine((value) => !value.endsWith('/.') && !value.endsWith('/..'), 'must name a file or folder')

/** A path of a file, so not one that ends like a folder's. */
export const filePath = path.refine((value) => !value.endsWith('/'), 'must be a file, not a folder')

const units: Record<string, number> = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3, t: 1024 ** 4 }

/** A number of bytes: `1048576`, `1024K`, `1M`, `1MiB`; K, M, G and T are powers of 1024. */
export const bytes = z.string().transform((value, context) => {
  const match = /^(\d+)(?:([kmgt])(?:i?b)?|b)?$/i.exec(value)
  const size = match === null ? Number.NaN : Number(match[1]) * (units[(match[2] ?? '').toLowerCase()] as number)
  if (Number.isSafeInteger(size)) return size
  context.addIssue({ code: 'custom', message: 'must be a number of bytes, such as 1048576, 1024K or 1M' })
  return z.NEVER
})

export const wholeNumber = z
  .string()
  .regex(/^\d{1,15}$/, 'must be a whole number from 0')
  .transform(Number)

/** On or off: 1, true, yes, on; 0, false, no, off. */
export const onOff = z
  .string()
  .toLowerCase()
  .pipe(
    z.enum(['1', 'true', 'yes', 'on', '0', 'false', 'no', 'off'], {
      error: 'must be 1 or 0 (or true, false, yes, no, on, off)',
    }),
  )
  .transform((value) => value === '1' || value === 'true' || value === 'yes' || value === 'on')

/**
 * A list: items between commas, blanks around them dropped. An empty item is refused and not dropped: an empty prefix
 * would match every variable.
 */
export const list = z
  .string()
  .transform((value) => value.split(',').map((item) => item.trim()))
  .refine((items) => items.every((item) => item !== ''), 'has an empty item; separate items by single commas')

/** Prefixes of names of environment variables. */
export const prefixList = list.refine(
  (items) => items.every((item) => !item.includes('=')),
  'holds an item with "=", which no name of a variable can have',
)

/** `MODULE=FILE`, several separated by commas; both are paths. */
export const projectionList = list
  .transform((items) =>
    items.map((item) => ({ module: beforeLast(item, '='), target: item.slice(item.lastIndexOf('=') + 1) })),
  )
  .refine((items) => items.every(({ module, target }) => module !== '' && target !== ''), 'must be MODULE=FILE each')
  .refine((items) => items.every(({ target }) => filePath.safeParse(target).success), 'must name files behind "="')
  .refine((items) => items.every(({ module }) => path.safeParse(module).success), 'must name modules before "="')

const beforeLast = (text: string, mark: string) => text.slice(0, Math.max(0, text.lastIndexOf(mark)))

const hostAndPort = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:/@[\]]+)):(\d{1,5})$/

const isPort = (text: string) => Number(text) >= 1 && Number(text) <= 65_535

/** `HOST:PORT`; an IPv6 address stands in brackets. */
export const brokerList = list.refine(
  (items) => items.every((item) => isPort(hostAndPort.exec(item)?.[3] ?? '')),
  'must be HOST:PORT, several separated by commas, such as broker-1:9092,broker-2:9092',
)

/** Where to listen: a port, or `HOST:PORT`. Port 0 lets the system choose. */
export const listenAddress = z.string().transform((value, context) => {
  const match = /^\d{1,5}$/.test(value) ? ['', undefined, '127.0.0.1', value] : hostAndPort.exec(value)
  const port = Number(match?.[3] ?? Number.NaN)
  if (port <= 65_535) return { host: (match?.[1] ?? match?.[2]) as string, port }
  context.addIssue({ code: 'custom', message: 'must be a port or HOST:PORT, such as 9464 or 0.0.0.0:9464' })
  return z.NEVER
})

/** Kafka's rule for names of topics; long enough for all of ours to fit behind it. */
const nameOf = (what: string) =>
  z
    .string()
    .regex(/^[a-zA-Z0-9._-]{1,100}$/, `must be a ${what} of 1 to 100 letters, digits, dots, underscores and hyphens`)

export const topicPrefix = nameOf('prefix')
export const groupName = nameOf('name')

/** An http or https address, without credentials. */
export const httpUrl = z.string().transform((value, context) => {
  const fault = (message: string) => {
    context.addIssue({ code: 'custom', message })
    return z.NEVER
  }
  if (!URL.canParse(value)) return fault('must be an address such as http://registry:8081')
  const url = new URL(value)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return fault('must begin with http:// or https://')
  if (url.username !== '' || url.password !== '') {
    return fault('must not hold credentials: they go into SCHEMA_REGISTRY_USERNAME and SCHEMA_REGISTRY_PASSWORD')
  }
  return value.replace(/\/+$/, '')
})

/** One of a few words. */
export function oneOf<const T extends readonly [string, ...string[]]>(words: T) {
  return z.enum(words, { error: `must be one of ${words.join(', ')}` })
}

function hasControl(value: string): boolean {
  for (let index = 0; index < value.length; index++) if (value.charCodeAt(index) < 32) return true
  return false
}
