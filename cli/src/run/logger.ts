import { type Logger, pino } from 'pino'

/** For a command that shows its progress: what goes as it should is told by that, so only the rest is logged. */
export function progressLogger(level: string, name: string): Logger {
  return stderrLogger(level === 'info' ? 'warn' : level, name)
}

/** Messages of the running system, JSON lines on stderr, written at once: none is lost when the process ends. */
export function stderrLogger(level: string, name: string): Logger {
  return pino({ level, name }, pino.destination({ dest: 2, sync: true }))
}
