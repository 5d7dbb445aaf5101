import { lineAt } from './bytes.js'
import { matched, type Verdict } from './protocol.js'

/** Commands of the text protocol, and the first lines their answers can have (doc/protocol.txt). */
const answers: Readonly<Record<string, RegExp>> = {
  get: /^(?:VALUE [!-~\x80-\xff]{1,250} \d{1,10} \d{1,10}(?: \d+)?|END)$/,
  gets: /^(?:VALUE [!-~\x80-\xff]{1,250} \d{1,10} \d{1,10}(?: \d+)?|END)$/,
  gat: /^(?:VALUE [!-~\x80-\xff]{1,250} \d{1,10} \d{1,10}(?: \d+)?|END)$/,
  gats: /^(?:VALUE [!-~\x80-\xff]{1,250} \d{1,10} \d{1,10}(?: \d+)?|END)$/,
  delete: /^(?:DELETED|NOT_FOUND)$/,
  incr: /^(?:\d{1,20}|NOT_FOUND)$/,
  decr: /^(?:\d{1,20}|NOT_FOUND)$/,
  touch: /^(?:TOUCHED|NOT_FOUND)$/,
  stats: /^STAT [a-z_]+ .*$/,
  version: /^VERSION \d.*$/,
  verbosity: /^OK$/,
  flush_all: /^OK$/,
  mg: /^(?:VA \d+(?: .*)?|HD(?: .*)?|EN)$/,
  ms: /^(?:HD|NS|EX|NF)(?: .*)?$/,
  md: /^(?:HD|NF|EX)(?: .*)?$/,
  ma: /^(?:HD|NF|NS|EX|VA \d+)(?: .*)?$/,
  mn: /^MN$/,
  me: /^(?:ME .*|EN)$/,
}

/** Commands that store carry flags, expiry and length: enough by themselves. */
const storage = /^(?:set|add|replace|append|prepend) [!-~\x80-\xff]{1,250} \d{1,10} -?\d{1,10} \d{1,9}(?: noreply)?$/
const checkAndSet = /^cas [!-~\x80-\xff]{1,250} \d{1,10} -?\d{1,10} \d{1,9} \d{1,20}(?: noreply)?$/
const storageWords = ['set', 'add', 'replace', 'append', 'prepend', 'cas']
const words = [...Object.keys(answers), ...storageWords]
const maxLine = 2048

/** The other commands look like those of other line protocols: the answer must be memcached's. */
export function textRequest(bytes: Buffer, server: Buffer): Verdict {
  if (bytes.length === 0) return 'more'
  const line = lineAt(bytes)
  const text = line ?? bytes.toString('latin1', 0, maxLine)
  const word = text.split(/[ \r]/, 1)[0] as string
  const known = line === null && word === text ? words.some((each) => each.startsWith(word)) : words.includes(word)
  if (!known || !/^[ -~\x80-\xff]*\r?$/.test(text)) return 'no'
  if (line === null) return text.length < maxLine ? 'more' : 'no'
  if (storageWords.includes(word)) {
    return storage.test(line) || checkAndSet.test(line) ? matched(`memcached text command ${word}`) : 'no'
  }
  const answer = lineAt(server)
  if (answer === null) return server.length < maxLine ? 'more' : 'no'
  return answers[word]?.test(answer) ? matched(`memcached text command ${word} and its answer`) : 'no'
}

/** Answers that only memcached gives; what other protocols could say as well is left open. */
export function textResponse(bytes: Buffer): Verdict {
  if (bytes.length === 0) return 'more'
  const line = lineAt(bytes)
  if (line === null)
    return /^[A-Z0-9][ -~\x80-\xff]*\r?$/.test(bytes.toString('latin1', 0, maxLine)) && bytes.length < maxLine
      ? 'more'
      : 'no'
  if (/^VALUE [!-~\x80-\xff]{1,250} \d{1,10} \d{1,10}(?: \d+)?$/.test(line)) return matched('memcached VALUE answer')
  if (/^(?:NOT_)?STORED$/.test(line)) return matched(`memcached ${line} answer`)
  if (/^STAT (?:pid \d+|[a-z_]+ \S+)$/.test(line)) return matched('memcached STAT answer')
  const others =
    /^(?:END|DELETED|NOT_FOUND|TOUCHED|EXISTS|OK|ERROR|RESET|MN|EN|HD|NS|NF|EX|\d{1,20}|(?:CLIENT|SERVER)_ERROR .*|VERSION \d.*|VA \d+.*|(?:HD|NS|NF|EX|ME) .*)$/
  return others.test(line) ? 'more' : 'no'
}
