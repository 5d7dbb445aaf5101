export type { Connection } from './endpoint.js'
export { httpParser } from './http-parser.js'
export { limits } from './limits.js'
