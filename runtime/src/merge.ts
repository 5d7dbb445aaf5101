import { topicNames } from '@syscribe/schemas'
import type { InputPartition } from './input-partition.js'

/**
 * The order of several inputs: by time; at the same time tables before streams, then topics as in the catalogue, then
 * partitions; within a partition by offset. A record is released only when no other input can still bring one that
 * stands before it: the least time a later record of an input without a head can have counts like a head there.
 */
export class Merge {
  /** In the order that decides at the same time. */
  readonly inputs: readonly InputPartition[]
  /** Records `run` may still release. A visitor sets it to 0 to end the run. */
  budget = 0

  constructor(inputs: readonly InputPartition[]) {
    this.inputs = [...inputs].sort(
      (a, b) =>
        Number(b.isTable) - Number(a.isTable) ||
        topicNames.indexOf(a.topic) - topicNames.indexOf(b.topic) ||
        a.partition - b.partition,
    )
  }

  /** Gives the released heads to `visit`, which must pop each. Returns how many. */
  run(visit: (input: InputPartition) => void, budget: number): number {
    this.budget = budget
    this.#released = 0
    const { inputs } = this
    if (inputs.length === 1) this.#drain(inputs[0] as InputPartition, visit, Number.POSITIVE_INFINITY, true)
    else while (this.budget > 0 && this.#releaseFirst(visit));
    return this.#released
  }
  #released = 0

  /** Inputs that hold others back because nothing of them is here to be seen. */
  blocking(): InputPartition[] {
    const first = this.#first()
    return first === undefined || first.hasHead ? [] : this.inputs.filter((input) => !input.hasHead)
  }

  #first(): InputPartition | undefined {
    let first: InputPartition | undefined
    for (const input of this.inputs) if (first === undefined || input.time < first.time) first = input
    return first
  }

  /** Runs the first input up to where the second stands. */
  #releaseFirst(visit: (input: InputPartition) => void): boolean {
    const { inputs } = this
    let first = 0
    let second = -1
    for (let index = 1; index < inputs.length; index++) {
      const { time } = inputs[index] as InputPartition
      if (time < (inputs[first] as InputPartition).time) {
        second = first
        first = index
      } else if (second < 0 || time < (inputs[second] as InputPartition).time) second = index
    }
    const input = inputs[first] as InputPartition
    if (!input.hasHead) return false
    this.#drain(input, visit, (inputs[second] as InputPartition).time, first < second)
    return true
  }

  #drain(input: InputPartition, visit: (input: InputPartition) => void, until: number, tie: boolean): void {
    while (this.budget > 0 && input.hasHead && (input.time < until || (tie && input.time === until))) {
      this.budget--
      this.#released++
      visit(input)
    }
  }
}
