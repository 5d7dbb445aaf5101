/** Some die at about the same time. */
export interface KillRound {
  /** Before the first dies. */
  pauseMs: number
  /** Who dies, each so long after the one before; nobody twice. */
  victims: { name: string; afterMs: number }[]
}

/** Who is killed how often in all, in random combinations with random pauses of at most `longestMs`. */
export function killPlan(
  kills: Readonly<Record<string, number>>,
  longestMs: number,
  random: () => number,
): KillRound[] {
  const all = Object.entries(kills).flatMap(([name, times]) => Array.from({ length: times }, () => name))
  for (let at = all.length - 1; at > 0; at--) {
    const other = Math.floor(random() * (at + 1))
    ;[all[at], all[other]] = [all[other] as string, all[at] as string]
  }
  const rounds: KillRound[] = []
  let size = 0
  for (const name of all) {
    const last = rounds.at(-1)
    if (last === undefined || last.victims.length >= size || last.victims.some((victim) => victim.name === name)) {
      size = 1 + Math.floor(random() * 4)
      // From kills that hit what has just started to pauses in which the work of the dead is taken over.
      rounds.push({ pauseMs: random() ** 2 * longestMs, victims: [{ name, afterMs: 0 }] })
    } else last.victims.push({ name, afterMs: random() < 0.5 ? 0 : random() * 500 })
  }
  return rounds
}
