export { httpLog } from './http-log.js'
