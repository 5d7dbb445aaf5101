import type { Match, Opening, Protocol } from './protocols/protocol.js'
import { protocols } from './protocols/registry.js'

/** A protocol and why it is it. */
export interface Recognised {
  readonly protocol: Protocol
  readonly match: Match
}

/** `more`: some protocol still fits; `soFar` is one that is certain but may learn more. `none`: no protocol fits. */
export type Outcome =
  | { readonly kind: 'match'; readonly recognised: Recognised }
  | { readonly kind: 'more'; readonly soFar: Recognised | null }
  | { readonly kind: 'none' }

const none: Outcome = { kind: 'none' }
const more: Outcome = { kind: 'more', soFar: null }

/** Asks every protocol; the first that is certain has it. */
export function recognise(opening: Opening): Outcome {
  let soFar: Recognised | null = null
  let undecided = false
  for (const protocol of protocols) {
    const verdict = protocol.match(opening)
    if (verdict === 'no') continue
    if (verdict === 'more') undecided = true
    else if (!verdict.open) return { kind: 'match', recognised: { protocol, match: verdict } }
    else soFar ??= { protocol, match: verdict }
  }
  if (soFar !== null) return { kind: 'more', soFar }
  return undecided ? more : none
}
