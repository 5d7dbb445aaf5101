import { type FSWatcher, watch } from 'node:fs'
import { News } from '../local/news.js'

const shortestMs = 2
const longestMs = 32
/** While the files are watched, only in case a file system does not tell. */
const watchedMs = 250

/**
 * News that may also come from other threads and processes. While someone waits, the count of commits is looked at:
 * often when there was news just now, then ever less, and after a third of a second only when the kernel says that a
 * file was written (inotify), so that a long wait costs next to nothing.
 */
export class PolledNews extends News {
  readonly #count: () => number
  readonly #files: readonly string[]
  #seen: number
  #timer: NodeJS.Timeout | null = null
  #intervalMs = shortestMs
  #watchers: FSWatcher[] = []

  /** `count` changes after another opener has written to one of `files`. */
  constructor(count: () => number, files: readonly string[]) {
    super()
    this.#count = count
    this.#files = files
    this.#seen = count()
  }

  override wait(ms: number, signal?: AbortSignal): Promise<void> {
    const waiting = super.wait(ms, signal)
    if (this.#files.length > 0) this.#timer ??= setTimeout(() => this.#look(), this.#intervalMs)
    return waiting
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    this.#unwatch()
  }

  #look(): void {
    this.#timer = null
    const count = this.#count()
    if (count !== this.#seen) {
      this.#seen = count
      this.#intervalMs = shortestMs
      this.#unwatch()
      this.announce()
      return
    }
    if (!this.hasWaiting) {
      this.#unwatch()
      return
    }
    const watched = this.#watchers.length > 0
    if (!watched && this.#intervalMs >= longestMs) this.#watch()
    else if (!watched) this.#intervalMs = Math.min(longestMs, this.#intervalMs * 1.25)
    this.#timer = setTimeout(() => this.#look(), watched ? watchedMs : this.#intervalMs)
  }

  #watch(): void {
    const hurry = () => {
      if (this.#watchers.length === 0) return
      this.#unwatch()
      // The commit may still be under way: the count changes with its last write.
      this.#intervalMs = shortestMs
      if (this.#timer === null) return
      clearTimeout(this.#timer)
      this.#timer = setTimeout(() => this.#look(), shortestMs)
    }
    try {
      this.#watchers = this.#files.map((file) => watch(file, { persistent: false }, hurry).on('error', hurry))
    } catch {
      // No inotify left (fs.inotify.max_user_watches): looking every few milliseconds does as well, and costs more.
      this.#unwatch()
    }
  }

  #unwatch(): void {
    for (const watcher of this.#watchers) watcher.close()
    this.#watchers = []
  }
}
