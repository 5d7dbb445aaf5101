import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Asks again and again until `holds` says so; what it throws counts as no.
 * @throws after five minutes, saying what was waited for and what `holds` threw last.
 */
export async function until(what: string, holds: () => boolean, withinMs = 300_000): Promise<void> {
  const end = Date.now() + withinMs
  let cause: unknown
  for (;;) {
    try {
      if (holds()) return
    } catch (error) {
      cause = error
    }
    if (Date.now() > end) throw new Error(`waited ${withinMs / 1000} s for ${what}`, { cause })
    await sleep(200)
  }
}
