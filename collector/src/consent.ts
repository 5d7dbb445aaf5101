import { firstValue } from './environment-block.js'

/** What opted a process in. */
export interface Consent {
  /** Value of ADI_PROFILE. */
  profile: string
  /** Value of ADI_PROFILE_NAME, null when not set. */
  profileName: string | null
}

/**
 * The opt-in rules, for a process found in /proc; bpf/consent.h decides the same at exec. Of a repeated variable the
 * first counts; ADI_PROFILE may be empty; only ADI_PROFILE_DISABLED=1, to the letter, takes consent back.
 *
 * @param allowed values of ADI_PROFILE to profile; empty = any.
 */
export function decideConsent(environment: Buffer, allowed: readonly string[]): Consent | null {
  const profile = firstValue(environment, 'ADI_PROFILE')
  if (profile === null) return null
  if (firstValue(environment, 'ADI_PROFILE_DISABLED') === '1') return null
  if (allowed.length > 0 && !allowed.includes(profile)) return null
  return { profile, profileName: firstValue(environment, 'ADI_PROFILE_NAME') }
}
