export { type ExpectedEdge, expectedEdges } from './expected-edges.js'
export { DemoError, type DemoErrorCode } from './system/demo-error.js'
export { type DemoSystem, startSystem } from './system/start-system.js'
