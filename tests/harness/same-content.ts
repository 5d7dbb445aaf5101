import type { Line } from './syscribe.js'

/** Lines as two observers must agree on them: each takes the time itself, and it is in the id. */
function content(lines: readonly Line[]): string[] {
  return lines.map(({ timestamp, id, ...line }) => JSON.stringify(line)).sort()
}

/** What stands in one HTTP log and not in the other, and how often something stands there twice. */
export function differences(ours: readonly Line[], theirs: readonly Line[]) {
  const [our, their] = [content(ours), content(theirs)]
  const [has, hasNot] = [new Set(our), new Set(their)]
  return {
    more: our.filter((line) => !hasNot.has(line)).slice(0, 3),
    missing: their.filter((line) => !has.has(line)).slice(0, 3),
    count: our.length - their.length,
    twice: ours.length - new Set(ours.map(({ id, direction, pid }) => `${id} ${direction} ${pid}`)).size,
  }
}

/** What `differences` gives for two that say the same. */
export const noDifferences = { more: [], missing: [], count: 0, twice: 0 }

/** A service map or environments, without the times in them. */
export function withoutTimes(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (key, field) => (/^(generated_at|first_seen|last_seen|timestamp)$/.test(key) ? 0 : field)),
  )
}
