import type { ProjectionStanding } from '@syscribe/schemas'
import type { ControlTopic } from './control-topic.js'

/** Knows which projections' processes still say something. */
export class Heard {
  readonly #control: ControlTopic
  readonly #silentMs: number
  readonly #notice: (sentence: string) => void
  readonly #begun = performance.now()
  readonly #last = new Map<string, { standing: ProjectionStanding; at: number }>()
  readonly #said = new Map<string, string>()

  /** `silentMs`: silent for so long, a process counts as gone. Default 30,000. */
  constructor(
    control: ControlTopic,
    { silentMs = 30_000, notice = () => {} }: { silentMs?: number; notice?: (sentence: string) => void },
  ) {
    this.#control = control
    this.#silentMs = silentMs
    this.#notice = notice
  }

  /** Whether it is worth waiting for this one. When it is not, or when it has a fault, that is said once. */
  from({ part, projection, target, host, pid }: ProjectionStanding): boolean {
    const now = performance.now()
    const standing = this.#control.state.standings.get(part) as ProjectionStanding
    const before = this.#last.get(part)
    if (before?.standing !== standing) this.#last.set(part, { standing, at: before === undefined ? this.#begun : now })
    const at = (this.#last.get(part) as { at: number }).at
    const who = `${projection} into ${target} (host ${host}, process ${pid})`
    if (!standing.running || now - at >= this.#silentMs) {
      this.#say(part, `${who} does not answer and is not waited for: it moves over when it is started again`)
      return false
    }
    if (standing.fault !== null) this.#say(part, `${who} has a fault and tries again: ${standing.fault}`)
    return true
  }

  #say(part: string, sentence: string): void {
    if (this.#said.get(part) === sentence) return
    this.#said.set(part, sentence)
    this.#notice(sentence)
  }
}
