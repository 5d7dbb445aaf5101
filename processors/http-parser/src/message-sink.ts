import type { Direction, Seen } from './direction.js'
import type { Endpoint } from './endpoint.js'
import type { Head } from './head.js'

/** Takes the messages found. The bytes are valid during the call. */
export interface MessageSink {
  /**
   * @param raw `raw[start..end)` are the captured bytes of the message that `direction` describes.
   * @param head its head, parsed in `raw`; without a start line when that was not seen.
   */
  message(
    endpoint: Endpoint,
    direction: Direction,
    raw: Buffer,
    start: number,
    end: number,
    head: Head,
    seen: Seen,
  ): void
}
