import type { Generations, ProcessorGeneration } from '@syscribe/schemas'
import type { Linked } from './part-order.js'
import type { LogNames } from './renamed-log.js'

/** Before the first replay: every processor in generation 1. */
export const firstGenerations: Generations = { current: [], building: [], retired: [], replayed: null, round: null }

/** Name of a topic, or of a processor, in a generation of it: `http`, `http.2`, `http.3`. */
export function generationName(name: string, generation: number): string {
  return generation === 1 ? name : `${name}.${generation}`
}

/** The generations with some of them replaced: what `over` names counts, else what `base` says. */
export function generationsOver(
  base: readonly ProcessorGeneration[],
  over: readonly ProcessorGeneration[],
): ProcessorGeneration[] {
  const replaced = new Set(over.map(({ processor }) => processor))
  return [...base.filter(({ processor }) => !replaced.has(processor)), ...over]
}

/** How topics and processors are named in the log under these generations. */
export function namesOf(generations: readonly ProcessorGeneration[]): LogNames {
  const names = { topics: new Map<string, string>(), parts: new Map<string, string>() }
  for (const { processor, generation, topics } of generations) {
    if (generation === 1) continue
    names.parts.set(processor, generationName(processor, generation))
    for (const topic of topics) names.topics.set(topic, generationName(topic, generation))
  }
  return names
}

/** Those of the generations that concern a reader of these topics, in one order. */
export function generationsRead(
  generations: readonly ProcessorGeneration[],
  topics: readonly string[],
): ProcessorGeneration[] {
  return generations
    .filter((one) => one.generation !== 1 && one.topics.some((topic) => topics.includes(topic)))
    .sort((a, b) => (a.processor < b.processor ? -1 : 1))
}

/** Whether two lists of `generationsRead` say the same. */
export function sameGenerations(one: readonly ProcessorGeneration[], other: readonly ProcessorGeneration[]): boolean {
  const text = (all: readonly ProcessorGeneration[]) =>
    JSON.stringify(all.map(({ processor, generation }) => [processor, generation]))
  return text(one) === text(other)
}

/** The generation of a processor; 1 when none is named. */
export function generationOf(generations: readonly ProcessorGeneration[], processor: string): number {
  return generations.find((one) => one.processor === processor)?.generation ?? 1
}

/** For a replay of these processors: for each a generation that never was. */
export function nextGenerations(
  { current, building, retired }: Generations,
  processors: readonly Linked[],
): ProcessorGeneration[] {
  const known = [...current, ...building, ...retired]
  return processors.map(({ name, outputs }) => ({
    processor: name,
    generation: 1 + Math.max(1, ...known.filter(({ processor }) => processor === name).map((one) => one.generation)),
    topics: outputs.map(({ topic }) => topic),
  }))
}
