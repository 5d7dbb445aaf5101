import type { StateFormat } from '@syscribe/runtime'
import avro from 'avsc'
import type { ConnectionState } from './state.js'

const flow = {
  type: 'record',
  name: 'Flow',
  fields: [field('start', 'long'), field('end', 'long'), field('bytes', 'long')],
}
const reason = {
  type: 'enum',
  name: 'NotCaptured',
  symbols: ['none', 'cap', 'fault', 'no_user_buffer', 'io_uring', 'lost', 'joined_late', 'other'],
}
const processKey = {
  type: 'record',
  name: 'ProcessKey',
  fields: [field('host', 'string'), field('boot', 'bytes'), field('pid', 'int'), field('processStart', 'long')],
}
const side = {
  type: 'record',
  name: 'Side',
  fields: [
    field('bytes', 'bytes'),
    field('fromStart', 'boolean'),
    field('next', 'long'),
    field('cut', 'boolean'),
    field('unseen', 'NotCaptured'),
  ],
}
const undecided = {
  type: 'record',
  name: 'Undecided',
  fields: [field('sent', side), field('received', 'Side'), field('pieces', 'int')],
}
const frames = { type: 'record', name: 'Frames', fields: [field('pending', 'bytes'), field('next', 'long')] }
const decided = {
  type: 'record',
  name: 'Decided',
  fields: [field('protocol', ['null', 'string']), field('isClient', 'boolean'), field('answers', ['null', frames])],
}
const end = {
  type: 'record',
  name: 'End',
  fields: [
    field('cookie', 'long'),
    field('role', { type: 'enum', name: 'Role', symbols: ['client', 'server', 'unknown'] }),
    field('process', processKey),
    field('peer', ['null', 'ProcessKey']),
    field('netns', 'long'),
    field('transport', { type: 'enum', name: 'Transport', symbols: ['tcp', 'udp'] }),
    field('localAddress', 'string'),
    field('localPort', 'int'),
    field('remoteAddress', 'string'),
    field('remotePort', 'int'),
    field('joinedLate', 'boolean'),
    field('time', 'long'),
    field('timeNanos', 'int'),
    field('lastSeen', 'long'),
    field('watching', 'boolean'),
    field('sent', flow),
    field('received', 'Flow'),
    field('captured', 'long'),
    field('unseen', { type: 'array', items: reason }),
    field('undecided', ['null', undecided]),
    field('decided', ['null', decided]),
  ],
}

const type = avro.Type.forSchema(
  {
    type: 'record',
    name: 'ConnectionState',
    fields: [field('ends', { type: 'array', items: end })],
  } as avro.Schema,
  { wrapUnions: false },
)

/** The state in Avro binary; the schema is this version's own, so `version` goes up whenever it changes. */
export const stateFormat: StateFormat<ConnectionState> = {
  version: 1,
  encode,
  decode: (bytes) => type.fromBuffer(bytes),
}

/** Every connection that moved bytes is written at each checkpoint: one buffer serves them all, what is given is a copy. */
let scratch = Buffer.allocUnsafe(1024)

function encode(value: ConnectionState): Uint8Array {
  let end = type.encode(value, scratch, 0)
  if (end < 0) {
    scratch = Buffer.allocUnsafe(2 * (scratch.length - end))
    end = type.encode(value, scratch, 0)
  }
  return Buffer.from(scratch.subarray(0, end))
}

function field(name: string, type: unknown): { name: string; type: unknown } {
  return { name, type }
}
