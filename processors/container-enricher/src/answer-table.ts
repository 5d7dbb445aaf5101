import type { KeyedState } from '@syscribe/runtime'
import { type NameAnswer, type ProcessKey, processKeyText } from '@syscribe/schemas'
import type { Answer } from './client-used-name.js'
import type { EnricherEntry, KnownAnswers } from './enricher-state.js'
import { canonicalAddress } from './ip-address.js'

/** Answers to a process that is not in the log are kept this long after the last. Milliseconds. */
export const answersMemoryMs = 60 * 60 * 1000
/** Per process. */
const mostAnswers = 256

type State = KeyedState<EnricherEntry>

/** The names that processes looked up, with the addresses they were given. */
export const answerTable = {
  put(answer: NameAnswer, now: number, state: State): void {
    const key = stateKey(processKeyText(answer.process))
    if (state.get(key) === undefined) state.set(key, { kind: 'answers', answers: [], changedAt: now })
    const entry = state.update(key) as KnownAnswers
    entry.changedAt = now
    const name = answer.name.toLowerCase()
    for (const text of answer.addresses) {
      const address = canonicalAddress(text)
      if (address === null) continue
      // The same answer again: the earlier one says it already.
      if (entry.answers.findLast((one) => one.address === address)?.name === name) continue
      entry.answers.push({ name, address, time: answer.time })
    }
    if (entry.answers.length > mostAnswers) entry.answers.splice(0, entry.answers.length - mostAnswers)
  },

  /** What a process had been answered at `time` (microseconds), oldest first. */
  at(process: ProcessKey, time: number, state: State): Answer[] {
    const entry = state.get(stateKey(processKeyText(process)))
    return entry?.kind === 'answers' ? entry.answers.filter((answer) => answer.time <= time) : []
  },

  /** Forgets the answers to a process that was forgotten. */
  forget(process: string, state: State): void {
    state.delete(stateKey(process))
  },

  /** Whether these answers, to a process that is not in the log, are of no use any more. */
  isOld(entry: KnownAnswers, now: number): boolean {
    return entry.changedAt + answersMemoryMs < now
  },
}

function stateKey(process: string): string {
  return `n${process}`
}
