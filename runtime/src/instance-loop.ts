import { LogError } from '@syscribe/log'
import type { Processor } from './processor.js'
import { ProcessorStage } from './processor-stage.js'
import type { StageContext } from './stage-context.js'
import { StageLoop } from './stage-loop.js'

/** Each waits for the brokers by itself, some seconds: in all longer than it takes to find out that a member is dead. */
const openAttempts = 6

/** One instance of a processor in a loop of its own. */
export class InstanceLoop<S> {
  readonly loop: StageLoop
  /** Resolves when it runs, or was ended before it did. Rejects with why it cannot be opened. */
  readonly begun: Promise<void>
  #ended = false

  constructor(context: StageContext, processor: Processor<S>, partition: number) {
    this.loop = new StageLoop(context)
    this.begun = this.#begin(context, processor, partition)
    this.begun.catch(() => {})
  }

  /** Commits, and closes the instance. @throws what the stage throws on closing */
  async end(): Promise<void> {
    this.#ended = true
    await this.begun.catch(() => {})
    await this.loop.stop()
  }

  async #begin(context: StageContext, processor: Processor<S>, partition: number): Promise<void> {
    const open = () => ProcessorStage.open(context, processor, partition)
    for (let attempt = 1; !this.#ended; attempt++) {
      try {
        await this.loop.add(processor.name, 0, open)
        if (!this.#ended) this.loop.start()
        return
      } catch (error) {
        // Offsets are not stable while an instance of another partition has a transaction open: a dead one's is ended
        // by whoever gets its partition, and nobody has yet.
        if (!(error instanceof LogError) || error.code !== 'unavailable' || attempt === openAttempts) throw error
        context.logger.warn({ part: processor.name, partition, err: error }, 'a partition cannot be opened yet')
      }
    }
  }
}
