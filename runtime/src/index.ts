export { fieldReader } from './field-reader.js'
export type * from './processor.js'
export type * from './projection.js'
