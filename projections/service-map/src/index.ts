export type { Endpoint, Schema, Service, ServiceConnection, ServiceMap } from './map-types.js'
export { renderMap } from './render-map.js'
export { createServiceMap, serviceMap } from './service-map.js'
