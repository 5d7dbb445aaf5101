import { type Logger, pino } from 'pino'

/** Messages of the running system, JSON lines on stderr, written at once: none is lost when the process ends. */
export function stderrLogger(level: string, name: string): Logger {
  return pino({ level, name }, pino.destination({ dest: 2, sync: true }))
}
