import type { HttpMessage } from '@syscribe/schemas'
import { bodyOf, Run } from './run.js'

/** One stretch of bytes as the client has it: `>` sent, `<` received. */
export type Turn = ['>' | '<', string | Buffer]

/** What the client of a conversation is said to have sent and received, its connection closed at the end. */
export function converse(turns: readonly Turn[], joinedLate = false): HttpMessage[] {
  const run = new Run(joinedLate)
  run.opened('client', joinedLate ? 1000 : 0, joinedLate ? 2000 : 0)
  for (const [way, bytes] of turns) run.io('client', way === '>' ? 'send' : 'recv', bytes)
  run.closed('client')
  run.pass()
  if (run.state.size !== 0) throw new Error('a closed connection is still remembered')
  return run.messages
}

/** A message in one line: exchange, what, target, body and how complete. */
export function inBrief(message: HttpMessage): string {
  const { exchange, kind, method, url, status } = message
  const what = kind === 'request' ? `${method} ${url}` : `${status} to ${method} ${url}`
  const body = bodyOf(message)
  const lost = message.complete ? '' : ` [${message.missingReason} ${message.missingBytes}]`
  const error = message.bodyError === null ? '' : ` (${message.bodyError})`
  return `${exchange} ${what}${body === '' ? '' : ` ${body}`}${lost}${error}`
}
