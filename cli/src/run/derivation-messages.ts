import type { Config } from '@syscribe/runtime'

/** What the derivation thread starts with. */
export interface DerivationInput {
  config: Config
}

/** From the thread: parts are open; all is derived and committed; it cannot go on; the metrics that were asked for. */
export type DerivationReport =
  | { event: 'open' }
  | { event: 'drained' }
  | { event: 'failed'; message: string }
  | { event: 'metrics'; text: string }

/** To the thread: capture has ended, derive what is left and end; or: tell the metrics. */
export type DerivationOrder = 'drain' | 'metrics'
