import { afterEach } from 'vitest'

/**
 * What a test has to end, in whatever way it went: call once per test file. All of it is run after each test, the last
 * begun first, also where one of them fails.
 */
export function endings(): (end: () => unknown) => void {
  const ends: (() => unknown)[] = []
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) {
      try {
        await end()
      } catch {
        // It has ended already, or cannot; the others must.
      }
    }
  }, 120_000)
  return (end) => void ends.push(end)
}
