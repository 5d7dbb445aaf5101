import type { TextOutput } from '../surroundings.js'

export interface ProgressLine {
  /** Shows how far it has come. It may come to the end of what there was at first long before it is done. */
  show(progress: { records: number; of: number }): void
  /** Shows a sentence beside it. */
  notice(sentence: string): void
  /** It is done: 100 % is said now, and not before. */
  done(): void
}

/** A line that changes on a terminal is not drawn more often; elsewhere a line follows so seldom, and at every tenth. */
const drawMs = 200
const lineMs = 5_000

/**
 * Shows how far something has come: one line that changes on a terminal, a line now and then elsewhere. The share never
 * falls, also where more comes to light to be done.
 * @param now milliseconds of any one clock
 */
export function progressLine(output: TextOutput, now = () => performance.now()): ProgressLine {
  let last = Number.NEGATIVE_INFINITY
  let lastPercent = -1
  let lastText = ''
  let taken: { records: number; of: number } | null = null
  // Nobody reading it is no reason to stop.
  const write = (text: string) => void output.write(text).catch(() => {})
  const draw = (text: string, percent: number) => {
    last = now()
    lastPercent = percent
    lastText = text
    write(output.isTerminal ? `\r\x1b[2K${text}` : `${text}\n`)
  }
  return {
    show(progress) {
      taken = progress
      const { records, of } = progress
      if (of === 0) return
      const percent = Math.max(lastPercent, Math.min(99, Math.floor((records / of) * 100)))
      const text = `${records} of ${of} records (${percent} %)`
      const isTenth = !output.isTerminal && Math.floor(percent / 10) > Math.floor(lastPercent / 10)
      const due = now() - last >= (output.isTerminal ? drawMs : lineMs)
      if (text !== lastText && (isTenth || due)) draw(text, percent)
    },
    notice(sentence) {
      write(output.isTerminal && lastText !== '' ? `\r\x1b[2K${sentence}\n${lastText}` : `${sentence}\n`)
    },
    done() {
      if (taken === null) return
      const all = Math.max(taken.records, taken.of)
      draw(`${all} of ${all} records (100 %)`, 100)
      if (output.isTerminal) write('\n')
    },
  }
}
