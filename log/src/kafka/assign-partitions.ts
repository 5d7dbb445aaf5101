export interface Claim {
  memberId: string
  /** Numbers of the partitions the member still works on. */
  owned: readonly number[]
  /** Generation in which it got them: of two who claim one, the later is right. */
  generation: number
}

/**
 * Shares partition numbers 0 to below `count` evenly among members, each keeping what it has as far as that is even
 * (cooperative rebalancing, KIP-429): a number that is to move is given to nobody in this generation. Its holder lets go
 * of it and joins again, and then it is free. So no number ever has two holders.
 */
export function assignPartitions(claims: readonly Claim[], count: number): Map<string, number[]> {
  const members = [...claims].sort((one, other) => (one.memberId < other.memberId ? -1 : 1))
  const holders = new Map<number, Claim>()
  for (const claim of members) {
    for (const number of claim.owned) {
      if (number >= count) continue
      const other = holders.get(number)
      if (other === undefined || claim.generation > other.generation) holders.set(number, claim)
    }
  }
  const least = Math.floor(count / members.length)
  /** How many members may have one more than the least. */
  let larger = count % members.length
  const wanted = new Map(members.map(({ memberId }) => [memberId, [] as number[]]))
  const free: number[] = []
  for (let number = 0; number < count; number++) {
    const holder = holders.get(number)
    const kept = holder && wanted.get(holder.memberId)!
    if (kept === undefined) free.push(number)
    else if (kept.length < least) kept.push(number)
    else if (kept.length === least && larger > 0) {
      larger--
      kept.push(number)
    } else free.push(number)
  }
  for (const number of free) {
    const [, fewest] = [...wanted].reduce((a, b) => (b[1].length < a[1].length ? b : a))
    fewest.push(number)
  }
  for (const [memberId, numbers] of wanted) {
    const given = numbers.filter((number) => (holders.get(number)?.memberId ?? memberId) === memberId)
    wanted.set(
      memberId,
      given.sort((a, b) => a - b),
    )
  }
  return wanted
}
