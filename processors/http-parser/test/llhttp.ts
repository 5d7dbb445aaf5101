import type { HttpMessage } from '@syscribe/schemas'
import { Llhttp } from '../tools/llhttp.js'
import { converse, type Turn } from './converse.js'
import { bodyOf } from './run.js'

/** A message as both parsers can tell it. */
export interface Told {
  line: string
  headers: string[]
  body: string
}

export interface Comparison {
  theirs: Told[]
  /** Why llhttp gave up; null when it did not, `upgrade` when it stopped at another protocol. */
  error: string | null
  /** Ours that are whole and well formed and follow each other from the first byte on, up to the first that does not. */
  ours: Told[]
}

const ask = (heads: readonly boolean[]) =>
  heads.map((head) => `${head ? 'HEAD' : 'GET'} / HTTP/1.1\r\nHost: a\r\n\r\n`).join('')

/** Both parsers on one stream. `heads`: for responses, which of the requests they answer are HEAD. */
export function compare(kind: 'request' | 'response', stream: Buffer, heads: readonly boolean[] = []): Comparison {
  const llhttp = new Llhttp(kind, [...heads])
  llhttp.execute(stream)
  llhttp.finish()
  llhttp.close()
  const theirs: Told[] = []
  for (const { method, url, status, minor, headers, body, complete } of llhttp.messages) {
    // HTTP/0.9 is not HTTP/1.
    if (!complete || minor === 9) break
    const line = kind === 'request' ? `${method} ${url} 1.${minor}` : `${status} 1.${minor}`
    // llhttp leaves the white space behind a value to its user (RFC 9112 section 5.1).
    const trimmed = headers.map((text) => text.replace(/[ \t]+$/, ''))
    theirs.push({ line, headers: trimmed, body: isCoded(headers) ? '' : body.toString('latin1') })
  }
  const turns: Turn[] =
    kind === 'request'
      ? [['>', stream]]
      : [
          ['>', ask(heads)],
          ['<', stream],
        ]
  const ours: Told[] = []
  let at = 0
  for (const message of converse(turns)) {
    if (message.kind !== kind) continue
    while (stream[at] === 13 || stream[at] === 10) at++
    const { complete, raw, bodyError } = message
    const follows = stream.subarray(at, at + raw.length).equals(raw)
    if (!complete || !follows || isMalformed(bodyError)) break
    at += raw.length
    ours.push(told(message))
  }
  return { theirs, error: llhttp.error, ours }
}

/** Whether the body has codings, which llhttp leaves on. `headers`: names and values in turn. */
function isCoded(headers: readonly string[]): boolean {
  return headers.some(
    (name, index) =>
      /^content-encoding$/i.test(name) ||
      (/^transfer-encoding$/i.test(name) && !/^chunked$/i.test(headers[index + 1] ?? '')),
  )
}

/** Whether it is the message that could not be read, not just its content coding. */
function isMalformed(bodyError: string | null): boolean {
  return bodyError !== null && /^(chunked:|trailer section|header section|the length)/.test(bodyError)
}

function told(message: HttpMessage): Told {
  const { kind, method, url, status, version, raw } = message
  const text = (value: string) => (raw.includes(value) ? Buffer.from(value).toString('latin1') : value)
  const headers = message.headers.flatMap(({ name, value }) => [name, text(value)])
  return {
    line: kind === 'request' ? `${method} ${text(url ?? '')} ${version}` : `${status} ${version}`,
    headers,
    body: isCoded(headers) ? '' : bodyOf(message),
  }
}
