import type { z } from 'zod'

/** One setting: a variable and a flag that mean the same. */
export interface Setting<S extends z.ZodType = z.ZodType> {
  /** Environment variable. */
  readonly variable: string
  /** Flag, which wins over the variable; null for a secret: what stands on a command line can be read by every user. */
  readonly flag: string | null
  /** What stands behind the flag in help. */
  readonly argument: string
  /** Text used when neither is set; null when the setting then is off or found out (see `otherwise`). */
  readonly default: string | null
  /** What happens without a value, in words, when there is no default text. */
  readonly otherwise?: string
  readonly meaning: string
  readonly schema: S
  /** Whether this text of it may be shown; without it every text may. */
  readonly shows?: (text: string) => boolean
}

export const setting = <S extends z.ZodType>(entry: Setting<S>): Setting<S> => entry
