export { containerEnricher } from './container-enricher.js'
export type { EnricherEntry } from './enricher-state.js'
export { type ProgramName, programName } from './program-name.js'
