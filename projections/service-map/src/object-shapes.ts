/** Objects with more members are put together each time. */
const rememberedMembers = 64
/** Beyond so many steps what is remembered is of objects whose keys are data: it is dropped. */
const rememberedSteps = 20_000

/** The members so far, in the order they were written: where the next one leads. */
interface Step {
  next: Map<string, Map<string, Step>> | undefined
  /** The schema of an object that ends here. */
  shape: string | undefined
}

let root: Step = { next: undefined, shape: undefined }
let steps = 0

/**
 * The schema of an object from its members, keys sorted. Programs write the same objects again and again, with the same
 * keys in the same order: what was sorted once is found by following the members.
 *
 * @param keys and `shapes`: of the members, from index `from` to `to`, the keys as they are, the shapes as texts.
 */
export function objectShape(keys: string[], shapes: string[], from: number, to: number): string {
  if (to - from > rememberedMembers) return joined(keys, shapes, from, to)
  let step = root
  for (let index = from; index < to; index++) {
    step = follow(step, keys[index] as string, shapes[index] as string)
  }
  step.shape ??= joined(keys, shapes, from, to)
  const { shape } = step
  if (steps > rememberedSteps) {
    root = { next: undefined, shape: undefined }
    steps = 0
  }
  return shape
}

function follow(step: Step, key: string, shape: string): Step {
  step.next ??= new Map()
  let byShape = step.next.get(key)
  if (byShape === undefined) {
    byShape = new Map()
    step.next.set(key, byShape)
  }
  let next = byShape.get(shape)
  if (next === undefined) {
    next = { next: undefined, shape: undefined }
    byShape.set(shape, next)
    steps++
  }
  return next
}

function joined(keys: string[], shapes: string[], from: number, to: number): string {
  const order = Array.from({ length: to - from }, (_, index) => from + index)
  // By UTF-16 units, whatever the locale; of equal keys the last one holds, as JSON.parse has it.
  order.sort((one, other) => {
    const left = keys[one] as string
    const right = keys[other] as string
    return left < right ? -1 : left > right ? 1 : one - other
  })
  const members = order
    .filter((place, index) => keys[place] !== keys[order[index + 1] as number] || index === order.length - 1)
    .map((place) => `${JSON.stringify(keys[place])}:${shapes[place]}`)
  return `{${members.join(',')}}`
}
