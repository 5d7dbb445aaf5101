import type { TopicName } from '@syscribe/schemas'
import type { InputRecord, KeyedState, StateFormat } from './processor.js'

/**
 * A projection: builds an output outside the log from topics. It can be thrown away and built anew by replay.
 *
 * Contract with the runtime, for each round: `apply` for every record of the round, then `flush`, and then the
 * offsets, the changed state and what `flush` returned are committed in one transaction. After a crash the round is
 * given again from the last commit, to an instance opened with the last committed `metadata`: `open` must put the
 * output back to that point, so that it is never a line short or a line long.
 */
export interface Projection<S> {
  readonly name: string
  readonly topics: readonly TopicName[]
  readonly state: StateFormat<S>
  /**
   * @param target where the output goes: a path. The runtime keeps one checkpoint per projection and target.
   * @param metadata what the last committed `flush` returned, null the first time.
   * @param settings the values of its own options, already parsed from the configuration.
   * @throws ProjectionError `target_unwritable` naming the path.
   */
  open(target: string, metadata: string | null, settings: ProjectionSettings): Promise<ProjectionInstance<S>>
}

/** Settings that concern projections. */
export interface ProjectionSettings {
  /** Write raw_payload (SYSCRIBE_RAW_PAYLOAD, default true). */
  rawPayload: boolean
  /** Takes a sentence the operator should read that is no error: the output was not as it was left. The runtime logs it. */
  warn?: (warning: string) => void
}

export interface ProjectionInstance<S> {
  /**
   * What `flush` would return for the output as `open` has begun it. Stated by an output that must be found again to be
   * gone on with: it is committed before the first record, so that a crash before the first `flush` is committed does not
   * leave an output that nobody knows.
   */
  readonly begun?: string
  /** Takes in one record; effects wait for `flush`. */
  apply(input: InputRecord, state: KeyedState<S>): void
  /**
   * Makes the output so far durable enough to find it again, and returns what `open` needs to come back to this
   * point (at most 64 KiB). Called after every round, about twice a second when idle, and with `last` before close.
   */
  flush(state: KeyedState<S>, last: boolean): Promise<string>
  close(): Promise<void>
}
