import type { Config } from '@syscribe/runtime'

/** What the derivation thread starts with. */
export interface DerivationInput {
  config: Config
}

/** From the thread: parts are open; all is derived and committed; it cannot go on. */
export type DerivationReport = { event: 'open' } | { event: 'drained' } | { event: 'failed'; message: string }

/** To the thread: capture has ended, derive what is left and end. */
export type DerivationOrder = 'drain'
