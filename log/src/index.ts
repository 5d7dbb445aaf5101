export { LogError, type LogErrorCode } from './errors.js'
export type * from './log.js'
export * from './record-batch.js'
