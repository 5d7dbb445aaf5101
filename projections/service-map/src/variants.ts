import type { EndpointState } from './map-state.js'
import { isGuess } from './map-text.js'
import type { Placed } from './sorted-chunks.js'

export interface EndpointItem extends Placed {
  readonly key: string
  readonly state: EndpointState
}

/** More are found by a map. */
const searchedMost = 8

/** The entries of one method and path at one destination: one for each pair of schemas. */
export class Variants {
  readonly #items: EndpointItem[] = []
  #bySchemas: Map<string, EndpointItem> | undefined

  add(item: EndpointItem): void {
    this.#items.push(item)
    if (this.#bySchemas !== undefined) this.#bySchemas.set(schemasOf(item.state), item)
    else if (this.#items.length > searchedMost) {
      this.#bySchemas = new Map(this.#items.map((one) => [schemasOf(one.state), one]))
    }
  }

  /**
   * The entry that counts an exchange with these schemas. One whose body is not known makes no variant of its own as
   * long as there is one it can belong to: the most frequent that agrees where both are known.
   */
  find(request: string, response: string): EndpointItem | undefined {
    if (isGuess(request) || isGuess(response)) return this.#mostLikely(request, response)
    if (this.#bySchemas !== undefined) return this.#bySchemas.get(`${request}\n${response}`)
    return this.#items.find(({ state }) => state.request === request && state.response === response)
  }

  #mostLikely(request: string, response: string): EndpointItem | undefined {
    let best: EndpointItem | undefined
    for (const item of this.#items) {
      if (!agrees(request, item.state.request) || !agrees(response, item.state.response)) continue
      if (best === undefined || isBetter(item.state, best.state)) best = item
    }
    return best
  }
}

function schemasOf({ request, response }: EndpointState): string {
  return `${request}\n${response}`
}

function agrees(seen: string, known: string): boolean {
  if (!isGuess(seen)) return seen === known
  return seen === '?null' || known !== 'null'
}

/** A known schema before a guess, then the more frequent; the schemas' order decides last, not the order of arrival. */
function isBetter(one: EndpointState, other: EndpointState): boolean {
  const guessed = isGuess(one.request) || isGuess(one.response)
  if (guessed !== (isGuess(other.request) || isGuess(other.response))) return !guessed
  if (one.count !== other.count) return one.count > other.count
  return schemasOf(one) < schemasOf(other)
}
