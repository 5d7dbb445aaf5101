export { envReader, settleMs } from './env-reader.js'
export type { KnownProcess } from './known-process.js'
