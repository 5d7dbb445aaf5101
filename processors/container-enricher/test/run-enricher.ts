import type { KindRecord, Party, TopicKind } from '@syscribe/schemas'
import { expect } from 'vitest'
import { type Emitted, type Given, type GivenWatermark, runProcessor } from '../../../runtime/test/run-processor.js'
import { containerEnricher } from '../src/index.js'

export type Step = Given | GivenWatermark

export const watermark = (at: number, final = false): GivenWatermark => ({ at, final })

type Traffic = KindRecord<TopicKind<'traffic'>> & { client: Party; server: Party }
export type Written = Emitted & { kind: string; client: Party; server: Party; value: Traffic }

/** What was written. The same must come out when the state is restored at every step. */
export function run(...given: Step[]): Written[] {
  const whole = runProcessor(containerEnricher, given)
  expect(runProcessor(containerEnricher, given, { restart: true }).emitted).toEqual(whole.emitted)
  return whole.emitted.map((one) => {
    const value = one.record.value as Traffic
    return { ...one, kind: one.record.kind, client: value.client, server: value.server, value }
  })
}

/** `<timestamp> <client> -> <server>` of each record written. */
export const names = (...given: Step[]): string[] =>
  run(...given).map(({ timestamp, client, server }) => `${timestamp} ${client.name} -> ${server.name}`)

/** `<server>: <reason>`, each once. */
export const reasons = (...given: Step[]): string[] => [
  ...new Set(run(...given).map(({ server }) => `${server.name}: ${server.reason}`)),
]
