import { lineAt } from './bytes.js'
import { either, matched, type Protocol, type Verdict } from './protocol.js'

/** Redis and its like (Valkey, KeyDB, Sentinel): RESP2 and RESP3 (Redis documentation, "Redis serialization protocol specification"). Recognised in mid-stream as well. */
export const redis: Protocol = {
  name: 'redis',
  category: 'cache',
  ports: [6379, 26379],
  match({ client, server }) {
    return either(request(client, server), reply(server))
  },
}

/** Clients send arrays of bulk strings, the first of them the command; a person at a terminal sends inline commands. */
function request(bytes: Buffer, server: Buffer): Verdict {
  if (bytes.length === 0) return 'more'
  return bytes[0] === 0x2a ? requestArray(bytes) : inlineCommand(bytes, server)
}

function requestArray(bytes: Buffer): Verdict {
  const count = lineAt(bytes, 1)
  if (count === null) return fits(bytes, 1, /^(?:[1-9]\d{0,6})?\r?$/)
  if (!/^[1-9]\d{0,6}$/.test(count)) return 'no'
  const at = count.length + 3
  const size = lineAt(bytes, at)
  if (size === null) return fits(bytes, at, /^(?:\$(?:[1-9]\d?)?)?\r?$/)
  if (!/^\$[1-9]\d?$/.test(size)) return 'no'
  const length = Number(size.slice(1))
  const from = at + size.length + 2
  const command = bytes.toString('latin1', from, from + length + 2)
  const whole = command.length === length + 2
  if (!/^[A-Za-z][A-Za-z0-9._|-]*$/.test(whole ? command.slice(0, -2) : command.replace(/\r$/, '') || 'x')) return 'no'
  if (!whole) return 'more'
  return command.endsWith('\r\n') ? matched('redis RESP array') : 'no'
}

/** Inline commands, and how the first line of their answers begins. */
const inlineAnswers: Readonly<Record<string, RegExp>> = {
  ...answered(/^\+PONG$/, 'ping'),
  ...answered(/^\+OK$/, 'set setex select client config monitor'),
  ...answered(/^:-?\d{1,19}$/, 'append dbsize decr del exists expire hset incr lpush publish rpush sadd ttl zadd'),
  ...answered(/^\$(?:-1|\d{1,9})$/, 'echo get hget info'),
  ...answered(/^[*%~]\d{1,7}$/, 'command hgetall keys lrange role scan smembers time'),
}
const inlineWords = Object.keys(inlineAnswers)

function answered(answer: RegExp, words: string): Record<string, RegExp> {
  return Object.fromEntries(words.split(' ').map((word) => [word, answer]))
}

/** Inline commands are words like those of other line protocols: only the answer tells. */
function inlineCommand(bytes: Buffer, server: Buffer): Verdict {
  const line = lineAt(bytes)
  const text = (line ?? bytes.toString('latin1', 0, 1024)).toLowerCase()
  const word = text.split(/[ \r]/, 1)[0] as string
  const known =
    line === null && word === text ? inlineWords.some((each) => each.startsWith(word)) : inlineWords.includes(word)
  if (!known || !/^[\x20-\x7e]*\r?$/.test(text)) return 'no'
  if (line === null) return text.length < 1024 ? 'more' : 'no'
  const answer = lineAt(server)
  if (answer === null) return fits(server, 0, /^(?:[+:$*%-][\x20-\x7e]*)?\r?$/)
  const fitting = inlineAnswers[word]?.test(answer) === true || errors.test(answer)
  return fitting ? matched(`redis inline ${word.toUpperCase()}, answered in RESP`) : 'no'
}

const errors =
  /^-(?:NOAUTH |WRONGTYPE |WRONGPASS |MOVED \d+ |ASK \d+ |LOADING |READONLY |DENIED Redis|NOPERM |EXECABORT |ERR (?:unknown command|wrong number|Protocol error|invalid|max number of clients|value is not|syntax error|no such key|DB index))/

/** Replies that only RESP has; `+OK`, integers and other errors are left open, other line protocols have them too. */
function reply(bytes: Buffer): Verdict {
  if (bytes.length === 0) return 'more'
  const kind = String.fromCharCode(bytes[0] as number)
  if (!'+-:$*%~>_#,('.includes(kind)) return 'no'
  const line = lineAt(bytes)
  if (line === null) return bytes.length < 1024 && /^[\x20-\x7e]*\r?$/.test(bytes.toString('latin1', 1)) ? 'more' : 'no'
  switch (kind) {
    case '+':
      return line === '+PONG' ? matched('redis RESP reply PONG') : /^\+[A-Za-z]+$/.test(line) ? 'more' : 'no'
    case '-':
      return errors.test(line) ? matched('redis RESP error') : /^-[A-Z]+(?: |$)/.test(line) ? 'more' : 'no'
    case '$':
      return bulk(bytes, line)
    case '*':
    case '%':
    case '~':
    case '>':
      return aggregate(bytes, line)
    case ':':
      return /^:-?\d{1,19}$/.test(line) ? 'more' : 'no'
    default:
      return /^(?:_|#[tf]|,[\d.einf+-]+|\(-?\d+)$/.test(line) ? 'more' : 'no'
  }
}

/** A bulk string: as many bytes as its header says and then CR LF. */
function bulk(bytes: Buffer, line: string): Verdict {
  if (!/^\$(?:-1|\d{1,9})$/.test(line)) return 'no'
  const length = Number(line.slice(1))
  if (length < 0) return 'more'
  const end = line.length + 2 + length
  if (bytes.length < end + 2) return 'more'
  return bytes[end] === 0x0d && bytes[end + 1] === 0x0a ? matched('redis RESP bulk string') : 'no'
}

/** An array, map, set or push: a count, and then the header of an element. */
function aggregate(bytes: Buffer, line: string): Verdict {
  if (!/^.(?:-1|\d{1,7})$/.test(line)) return 'no'
  if (Number(line.slice(1)) <= 0) return 'more'
  const element = lineAt(bytes, line.length + 2)
  if (element === null) return fits(bytes, line.length + 2, /^(?:[$:*+%~_#,-][\x20-\x7e]{0,200})?\r?$/)
  const sane = /^(?:\$(?:-1|\d{1,9})|:-?\d{1,19}|\*(?:-1|\d{1,7})|[+-][\x20-\x7e]+|%\d{1,7}|~\d{1,7}|_|#[tf])$/
  const kinds: Record<string, string> = { '*': 'array', '%': 'map', '~': 'set', '>': 'push' }
  return sane.test(element) ? matched(`redis RESP ${kinds[line[0] as string]} reply`) : 'no'
}

/** What there is of a line fits. */
function fits(bytes: Buffer, from: number, pattern: RegExp): Verdict {
  return pattern.test(bytes.toString('latin1', from, from + 256)) ? 'more' : 'no'
}
