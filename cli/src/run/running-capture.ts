import type { MetricsSource } from '../metrics/metrics-source.js'

/** Capture of this host into a log, whichever. */
export interface RunningCapture {
  readonly metrics: readonly MetricsSource[]
  /** Rejects when capture cannot go on; never resolves. */
  readonly failed: Promise<never>
  /** @throws CaptureError, LogError */
  start(): Promise<void>
  /**
   * Capture ends; resolves when what was captured before is in the log.
   * @throws CliError `fault` when it is not, and waits for the next start
   */
  end(): Promise<void>
  /** Ends what still runs, and lets go of the log. */
  close(): Promise<void>
}
