import fc from 'fast-check'
import { limits } from '../src/index.js'
import { Run, type Side } from './run.js'

/** What becomes of a record: it is kept, lost without a word, or says itself that it lacks the end of its bytes. */
export type Fate = 'kept' | 'hole' | 'told'

/** One record: bytes of one message that one system call moved. */
interface Move {
  way: 'ask' | 'answer'
  /** Which exchange its message belongs to. */
  of: number
  text: string
  fate: Fate
  /** How long nothing happens before it, microseconds. */
  pause: number
}

export interface LossyConversation {
  side: Side
  moves: Move[]
  /** How long nothing happens before the close, microseconds. */
  pause: number
}

/** Stands for exchange `n` wherever eight of them follow one another: in the target, in a field, in the bodies. */
const markOf = (n: number) => String.fromCharCode(97 + n).repeat(8)

/** The exchanges whose bytes are in there. */
export function exchangesIn(bytes: Buffer | string): number[] {
  const marks = `${bytes}`.match(/([a-z])\1{7}/g) ?? []
  return [...new Set(marks.map((mark) => mark.charCodeAt(0) - 97))]
}

function ask(n: number, body: number): string {
  const head = `${body === 0 ? 'GET' : 'POST'} /${markOf(n)} HTTP/1.1\r\nX-Of: ${markOf(n)}\r\n`
  return body === 0 ? `${head}\r\n` : `${head}Content-Length: ${body * 8}\r\n\r\n${markOf(n).repeat(body)}`
}

function answer(n: number, body: number, chunked: boolean, early: boolean): string {
  const first = early ? `HTTP/1.1 103 Early Hints\r\nX-Of: ${markOf(n)}\r\n\r\n` : ''
  const head = `HTTP/1.1 200 OK\r\nX-Of: ${markOf(n)}\r\n`
  const text = markOf(n).repeat(body)
  if (!chunked) return `${first}${head}Content-Length: ${text.length}\r\n\r\n${text}`
  const chunks = body === 0 ? '' : `${text.length.toString(16)}\r\n${text}\r\n`
  return `${first}${head}Transfer-Encoding: chunked\r\n\r\n${chunks}0\r\n\r\n`
}

function cutInto(text: string, pieces: number): string[] {
  const size = Math.ceil(text.length / pieces)
  return Array.from({ length: pieces }, (_, n) => text.slice(n * size, (n + 1) * size)).filter((each) => each !== '')
}

const pauses = fc.constantFrom(0, 0, 0, 0, 0, 1000, 2 * limits.waitMicros)

const whole: Fate[] = ['kept', 'kept', 'kept']
/** Two of these at the begin tell that the client pipelines. */
const pipelined = {
  ask: { body: 0, pieces: 1 },
  answer: { body: 0, pieces: 1, chunked: false, early: false },
  askFates: whole,
  answerFates: whole,
  pauses: [0, 0],
  together: 2,
} as const

/**
 * Conversations on a kept connection, of which records are lost.
 * @param depth how many requests a client sends at once; with more than one, it does so before anything is lost.
 */
export function lossyConversations(depth: number, fates: readonly Fate[]): fc.Arbitrary<LossyConversation> {
  const message = { body: fc.integer({ min: 0, max: 6 }), pieces: fc.integer({ min: 1, max: 3 }) }
  const one = fc.record({
    ask: fc.record(message),
    answer: fc.record({ ...message, chunked: fc.boolean(), early: fc.boolean() }),
    askFates: fc.array(fc.constantFrom(...fates), { minLength: 3, maxLength: 3 }),
    answerFates: fc.array(fc.constantFrom(...fates), { minLength: 3, maxLength: 3 }),
    pauses: fc.tuple(pauses, pauses),
    together: fc.integer({ min: 1, max: depth }),
  })
  return fc
    .record({
      exchanges: fc.array(one, { minLength: 1, maxLength: 12 }),
      side: fc.constantFrom<Side>('client', 'server'),
      pause: pauses,
      spared: fc.constantFrom('neither', 'ask', 'answer'),
    })
    .map(({ exchanges: drawn, side, pause, spared }) => {
      const moves: Move[] = []
      const exchanges = depth === 1 ? drawn : [pipelined, pipelined, ...drawn]
      const add = (
        way: Move['way'],
        of: number,
        text: string,
        pieces: number,
        fates: readonly Fate[],
        before: number,
      ) => {
        for (const [index, piece] of cutInto(text, pieces).entries()) {
          const fate = spared === way ? 'kept' : (fates[index] as Fate)
          moves.push({ way, of, text: piece, fate, pause: index === 0 ? before : 0 })
        }
      }
      for (let n = 0; n < exchanges.length; ) {
        const last = Math.min(exchanges.length, n + (exchanges[n] as (typeof exchanges)[0]).together)
        for (const [index, { ask: asked, askFates, pauses }] of exchanges.slice(n, last).entries()) {
          add('ask', n + index, ask(n + index, asked.body), asked.pieces, askFates, pauses[0])
        }
        for (const [index, { answer: said, answerFates, pauses }] of exchanges.slice(n, last).entries()) {
          const text = answer(n + index, said.body, said.chunked, said.early)
          add('answer', n + index, text, said.pieces, answerFates, pauses[1])
        }
        n = last
      }
      return { side, moves, pause }
    })
}

/** The conversation as the parser is told of it. */
export function play({ side, moves, pause }: LossyConversation, restarts = false): Run {
  const run = new Run()
  run.opened(side)
  for (const move of moves) {
    const sends = (move.way === 'ask') === (side === 'client')
    const direction = sends ? 'send' : 'recv'
    wait(run, move.pause)
    const length = move.text.length
    if (move.fate === 'hole') {
      run.time += 10
      run.skip(side, direction, length)
    } else if (move.fate === 'told') {
      run.io(side, direction, move.text.slice(0, length >> 1), { length, missing: 'lost' })
    } else run.io(side, direction, move.text)
    if (restarts) run.restart()
  }
  wait(run, pause)
  run.closed(side)
  run.pass()
  return run
}

function wait(run: Run, micros: number): void {
  run.time += micros
  if (micros > 0) run.watermark(run.time)
}

/**
 * The exchanges whose heads were seen and whose pairing can be proven by what was seen: no response can be hidden
 * between the two, or no request; of a client that does not pipeline.
 */
export function provable({ moves, pause }: LossyConversation): number[] {
  const count = moves.reduce((most, { of }) => Math.max(most, of + 1), 0)
  return Array.from({ length: count }, (_, n) => n).filter((n) => {
    const asked = moves.findIndex(({ way, of }) => way === 'ask' && of === n)
    const answered = moves.findIndex(({ way, of }) => way === 'answer' && of === n)
    const heads = [...headOf(moves, asked, n), ...headOf(moves, answered, n)]
    if (heads.some(({ fate }) => fate !== 'kept')) return false
    return noAnswerHidden(moves, asked, answered) || noRequestHidden(moves, asked, answered, pause)
  })
}

/** The records of a message up to the end of its last head. */
function headOf(moves: Move[], from: number, n: number): Move[] {
  const { way } = moves[from] as Move
  const records = moves.filter((move) => move.way === way && move.of === n)
  const text = records.map((each) => each.text).join('')
  const end = text.startsWith('HTTP/1.1 103')
    ? text.indexOf('\r\n\r\n', text.indexOf('\r\n\r\n') + 4)
    : text.indexOf('\r\n\r\n')
  let passed = 0
  return records.filter((record) => {
    passed += record.text.length
    return passed - record.text.length < end + 4
  })
}

function noAnswerHidden(moves: Move[], asked: number, answered: number): boolean {
  for (let index = answered; index >= 0; index--) {
    const { way, fate } = moves[index] as Move
    if (way !== 'answer') continue
    if (fate === 'hole') return false
    if (index < asked) return true
    if (fate === 'told') return false
  }
  return true
}

function noRequestHidden(moves: Move[], asked: number, answered: number, pause: number): boolean {
  let passed = 0
  for (let index = asked; index < moves.length; index++) {
    const move = moves[index] as Move
    if (index > answered) passed += move.pause + 10
    if (move.way === 'answer') continue
    if (move.fate === 'hole') return false
    if (index > answered) return passed < limits.waitMicros
    if (move.fate === 'told') return false
  }
  return passed + pause < limits.waitMicros
}
