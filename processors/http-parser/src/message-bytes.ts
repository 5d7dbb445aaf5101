import { type Direction, headless, inLength, untilClose } from './direction.js'
import { limits } from './limits.js'

/** Capacity given at once to a body that says how long it will be. */
const greatestPromise = 1024 * 1024

/** Copies `view[from..to)` to the end of the message at hand; what exceeds the limit is missing. */
export function keep(direction: Direction, view: Buffer, from: number, to: number): void {
  const most = direction.skipped === headless ? limits.headlessBytes : limits.messageBytes
  const wanted = to - from
  const length = Math.min(wanted, most - direction.size)
  if (length < wanted) {
    if (direction.firstGap < 0 && (direction.phase === inLength || direction.phase === untilClose)) {
      direction.firstGap = direction.size + length - direction.headSize
    }
    direction.miss(wanted - length, 'capture_cap')
  }
  if (length <= 0) return
  const end = direction.size + length
  let bytes = direction.bytes
  if (bytes === null || end > bytes.length) {
    const promised = direction.phase === inLength ? Math.min(end + direction.remaining, greatestPromise) : 0
    const grown = Buffer.allocUnsafe(Math.max(end, promised, bytes === null ? 0 : bytes.length * 2))
    if (bytes !== null) bytes.copy(grown, 0, 0, direction.size)
    direction.bytes = grown
    bytes = grown
  }
  view.copy(bytes, direction.size, from, from + length)
  direction.size = end
}

/** Copies `view[from..to)` to the end of the search window. */
export function keepInWindow(direction: Direction, view: Buffer, from: number, to: number): void {
  const end = direction.windowSize + to - from
  let window = direction.window
  if (window === null || end > window.length) {
    const grown = Buffer.allocUnsafe(Math.max(end, window === null ? 0 : window.length * 2))
    if (window !== null) window.copy(grown, 0, 0, direction.windowSize)
    direction.window = grown
    window = grown
  }
  view.copy(window, direction.windowSize, from, to)
  direction.windowSize = end
}
