import type { TextOutput } from '../surroundings.js'

/** Shows how far something has come: one line that changes on a terminal, a line now and then elsewhere. */
export function progressLine(output: TextOutput): (progress: { records: number; of: number }) => void {
  let last = Number.NEGATIVE_INFINITY
  let lastText = ''
  return ({ records, of }) => {
    const end = records >= of
    const now = performance.now()
    if (!end && now - last < (output.isTerminal ? 200 : 5000)) return
    last = now
    const percent = of === 0 ? 100 : Math.floor((records / of) * 100)
    const text = `${records} of ${of} records (${percent} %)`
    if (text === lastText) return
    lastText = text
    // Nobody reading it is no reason to stop.
    output.write(output.isTerminal ? `\r\x1b[2K${text}${end ? '\n' : ''}` : `${text}\n`).catch(() => {})
  }
}
