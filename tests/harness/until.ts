import { setTimeout as sleep } from 'node:timers/promises'

const withinMs = 300_000

/**
 * Asks again and again until `holds` says so; what it throws counts as no.
 * @param explain what the error says beside what was waited for.
 * @throws after five minutes, with what `holds` threw last as its cause.
 */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  explain: () => string = () => '',
): Promise<void> {
  const end = Date.now() + withinMs
  let cause: unknown
  for (;;) {
    try {
      if (await holds()) return
    } catch (error) {
      cause = error
    }
    if (Date.now() > end) throw new Error(`waited ${withinMs / 1000} s for ${what}\n${explain()}`, { cause })
    await sleep(200)
  }
}
