import type { ReplayEnd, ReplayProgress, ReplayStart } from '@syscribe/runtime'
import { CliError } from '../cli-error.js'
import { isModulePath } from '../new-projection/load-projection.js'
import type { PartKind } from './parts-by-name.js'

/** What `syscribe replay` was asked for. */
export interface AskedReplay {
  /** Of a projection or processor, or the path of a projection of the user's own. */
  name: string
  kind: PartKind
  from?: ReplayStart
  to?: ReplayEnd
  /** A file, or for a processor a topic, to write once. */
  into?: string
  /** Which output, where a projection writes several. */
  target?: string
  /** Not to go on with a replay that was interrupted. */
  anew: boolean
  /** To give up the one that was interrupted. */
  cancel: boolean
}

/** How a replay tells of itself, and is stopped. */
export interface ReplayReports {
  progress: (progress: ReplayProgress) => void
  /** Takes sentences that the operator should read. */
  notice: (sentence: string) => void
  signal: AbortSignal
}

/** @throws CliError `usage` for what makes no sense together */
export function refuseSenseless(
  { name, kind, from, to, into, target, anew, cancel }: AskedReplay,
  onCluster: boolean,
): void {
  const refuse = (why: string) => {
    throw new CliError('usage', why)
  }
  if (kind === 'processor' && (from ?? to) !== undefined && into === undefined) {
    refuse(`${name} is a processor: it is always replayed whole; --from and --to go with --into TOPIC`)
  }
  if (to !== undefined && into === undefined) {
    refuse('--to needs --into: an output that stops short cannot go on as the live one')
  }
  if (isModulePath(name) && into === undefined && !onCluster) {
    refuse(`${name} is a projection of your own: say with --into which file to write`)
  }
  if (target !== undefined && (kind === 'processor' || into !== undefined)) {
    refuse('--target says which output of a projection to build again')
  }
  if (target !== undefined && !onCluster) refuse('--target is for a cluster: here a projection has one output')
  const option = anew ? '--anew' : '--cancel'
  if ((anew || cancel) && (kind === 'projection' || into !== undefined || !onCluster)) {
    refuse(`${option} is for the replay of a processor on a cluster`)
  }
  if (anew && cancel) refuse('--anew and --cancel: one of the two')
}
