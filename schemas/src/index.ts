export { AvroCursor } from './avro-cursor.js'
export { namedSchema, unionSchema } from './avro-files.js'
export { blankRecord, type PartialRecord } from './blank-record.js'
export { type FieldReader, type KindRecord, TopicCodec, type TopicRecord } from './codec.js'
export { incompatibilities } from './compatibility.js'
export { cgroupsAround, containerIdsOfCgroup } from './container-of-cgroup.js'
export { SchemaError, type SchemaErrorCode } from './errors.js'
export type * from './generated.js'
export { isDependency } from './is-dependency.js'
export { processKeyText } from './process-key.js'
export { recordEncoder } from './record-encoder.js'
export { type TopicKind, type TopicName, topicNames, topics } from './topics.js'
export {
  directions,
  endpointTypes,
  messageKinds,
  missingReasons,
  PartyView,
  roles,
  TrafficMessageView,
} from './traffic-message-view.js'
