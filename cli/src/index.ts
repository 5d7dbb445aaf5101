export { main } from './main.js'
export { processSurroundings, type Surroundings, type TextOutput } from './surroundings.js'
