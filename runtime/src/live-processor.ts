import type { ProcessorGeneration } from '@syscribe/schemas'
import type { ControlTopic } from './control-topic.js'
import { generationOf, namesOf } from './generations.js'
import { RenamedLog } from './renamed-log.js'
import { type ProcessorRunOptions, runProcessor } from './run-processor.js'
import type { Running } from './running.js'
import { RuntimeError } from './runtime-error.js'

const lookMs = 60_000
const firstRetryMs = 200
const lastRetryMs = 10_000

/**
 * Runs a processor in the generation that counts, and moves on when another one does.
 * @throws LogError, RuntimeError `parts_invalid`
 */
export async function runLiveProcessor<S>(options: ProcessorRunOptions<S>, control: ControlTopic): Promise<Running> {
  const { log, logger, processor, signal } = options
  const closing = new AbortController()
  const current = () => control.state.generations.current
  const open = (generations: readonly ProcessorGeneration[]) => {
    const { signal: _, ...rest } = options
    return runProcessor({ ...rest, log: new RenamedLog(log, namesOf(generations)) })
  }

  let generation = generationOf(current(), processor.name)
  let running: Running = await open(current())
  let fault: { error: unknown } | null = null
  /** A fault of what runs now ends it all; of what is being closed it does not. */
  const watch = (watched: Running) => {
    watched.done.catch((error: unknown) => {
      if (watched !== running || moving) return
      fault = { error }
      closing.abort()
    })
  }
  let moving = false
  watch(running)

  /** Between two generations nothing runs: a fault of opening the next is no fault of what was. */
  const move = async () => {
    moving = true
    await running.close().catch((error) => logger.warn({ part: processor.name, err: error }, 'closing failed'))
    for (let pause = firstRetryMs; !closing.signal.aborted; pause = Math.min(lastRetryMs, pause * 2)) {
      const generations = current()
      generation = generationOf(generations, processor.name)
      try {
        running = await open(generations)
        moving = false
        watch(running)
        logger.info({ part: processor.name, generation }, 'goes on in another generation')
        return
      } catch (error) {
        const message = 'the generation cannot be opened; it is tried again'
        logger.error({ part: processor.name, generation, err: error, retryMs: pause }, message)
        await control.changed(pause, closing.signal)
      }
    }
  }
  const follow = async () => {
    while (!closing.signal.aborted) {
      await control.changed(lookMs, closing.signal)
      if (!closing.signal.aborted && generationOf(current(), processor.name) !== generation) await move()
    }
    if (fault !== null) throw (fault as { error: unknown }).error
  }

  const following = follow()
  const done = following.then(() => running.close())
  done.catch(() => {})
  let closed: Promise<void> | undefined
  const close = () => {
    signal?.removeEventListener('abort', onAbort)
    closing.abort()
    closed ??= following.then(
      () => running.close(),
      () => running.close(),
    )
    return closed
  }
  const onAbort = () => {
    close().catch((error) => logger.error({ err: error }, 'closing failed'))
  }
  signal?.addEventListener('abort', onAbort)
  if (signal?.aborted) onAbort()
  return {
    done,
    drain: () =>
      closing.signal.aborted ? Promise.reject(new RuntimeError('closed', 'the part has ended')) : running.drain(),
    close,
    status: () => running.status(),
  }
}
