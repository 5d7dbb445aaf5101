import fc from 'fast-check'
import { expect, test } from 'vitest'
import { TopicCodec } from '../src/codec.js'
import type { ContainerRef, Header, Party, TrafficMessage } from '../src/generated.js'
import {
  directions,
  endpointTypes,
  messageKinds,
  missingReasons,
  type PartyView,
  roles,
  TrafficMessageView,
} from '../src/traffic-message-view.js'
import { anyRecord } from './avro-arbitrary.js'

const codec = new TopicCodec('traffic')
const anyMessage = anyRecord('TrafficMessage')

/** What the view says, as the record has it; fields the view leaves out are taken from `from`. */
function seen(view: TrafficMessageView, from: TrafficMessage): TrafficMessage {
  const { bytes } = view
  const text = (start: number, end: number) => (start < 0 ? null : bytes.toString('utf8', start, end))
  const headers = (at: Int32Array, count: number): Header[] =>
    Array.from({ length: count }, (_, index) => ({
      name: text(at[index * 4] as number, at[index * 4 + 1] as number) as string,
      value: text(at[index * 4 + 2] as number, at[index * 4 + 3] as number) as string,
    }))
  const container = (party: PartyView): ContainerRef => ({
    service: text(party.serviceStart, party.serviceEnd),
    image: text(party.imageStart, party.imageEnd) as string,
    id: text(party.containerIdStart, party.containerIdEnd) as string,
    name: text(party.containerNameStart, party.containerNameEnd) as string,
    pod: party.hasPod
      ? {
          namespace: text(party.podNamespaceStart, party.podNamespaceEnd) as string,
          name: text(party.podNameStart, party.podNameEnd) as string,
          workload: text(party.podWorkloadStart, party.podWorkloadEnd) as string,
        }
      : null,
  })
  const party = (end: PartyView, was: Party): Party => ({
    ...was,
    name: text(end.nameStart, end.nameEnd) as string,
    type: endpointTypes[end.type] as Party['type'],
    container: end.hasContainer ? container(end) : null,
    process:
      end.hasProcess && was.process !== null
        ? {
            ...was.process,
            comm: text(end.commStart, end.commEnd) as string,
            cmdline: text(end.cmdlineStart, end.cmdlineEnd) as string,
          }
        : null,
  })
  const was = from.message
  return {
    client: party(view.client, from.client),
    server: party(view.server, from.server),
    message: {
      ...was,
      connection: bytes.subarray(view.connectionStart, view.connectionStart + 8),
      kind: messageKinds[view.kind] as typeof was.kind,
      direction: directions[view.direction] as typeof was.direction,
      role: roles[view.role] as typeof was.role,
      exchange: view.exchange,
      ordinal: view.ordinal,
      time: view.time,
      timeNanos: view.timeNanos,
      process: { ...was.process, pid: view.pid },
      sourceAddress: text(view.sourceAddressStart, view.sourceAddressEnd) as string,
      sourcePort: view.sourcePort,
      destinationAddress: text(view.destinationAddressStart, view.destinationAddressEnd) as string,
      destinationPort: view.destinationPort,
      length: view.length,
      complete: view.complete,
      missingBytes: view.missingBytes,
      missingReason: view.missingReason < 0 ? null : (missingReasons[view.missingReason] as typeof was.missingReason),
      version: text(view.versionStart, view.versionEnd) as string,
      method: text(view.methodStart, view.methodEnd),
      url: text(view.urlStart, view.urlEnd),
      // -1 stands for null.
      status: was.status === -1 ? -1 : view.status === -1 ? null : view.status,
      headers: headers(view.headers, view.headerCount),
      trailers: headers(view.trailers, view.trailerCount),
      body: view.bodyInRaw ? null : bytes.subarray(view.bodyStart, view.bodyEnd),
      bodyError: text(view.bodyErrorStart, view.bodyErrorEnd),
      raw: bytes.subarray(view.rawStart, view.rawEnd),
    },
  }
}

test('the view says what the decoded record says, for any record', () => {
  const view = new TrafficMessageView()
  fc.assert(
    fc.property(anyMessage, (message) => {
      const bytes = codec.encode('TrafficMessage', message)
      view.read(bytes)
      const { value } = codec.decode(bytes)
      expect(seen(view, message)).toEqual(value)
      if (view.bodyInRaw) {
        const start = Math.min(Math.max(0, message.message.bodyStart), message.message.raw.length)
        expect(bytes.subarray(view.bodyStart, view.bodyEnd)).toEqual(message.message.raw.subarray(start))
      }
    }),
    { numRuns: 300, interruptAfterTimeLimit: 20_000 },
  )
})

test('a record cut anywhere gives a typed error', () => {
  const view = new TrafficMessageView()
  fc.assert(
    fc.property(anyMessage, fc.double({ min: 0, max: 1, noNaN: true }), (message, part) => {
      const bytes = codec.encode('TrafficMessage', message)
      const cut = bytes.subarray(0, Math.floor((bytes.length - 1) * part))
      expect(() => view.read(cut)).toThrow(expect.objectContaining({ code: 'record_invalid' }))
    }),
  )
})

test('any bytes at all end in a record or a typed error, without running away', () => {
  const view = new TrafficMessageView()
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
      try {
        view.read(Buffer.from(bytes))
        expect(view.rawEnd).toBeLessThanOrEqual(bytes.length)
      } catch (error) {
        expect(error).toMatchObject({ code: 'record_invalid' })
      }
    }),
    { numRuns: 1000, interruptAfterTimeLimit: 20_000 },
  )
})

test('a codec knows whether the bytes are as this version writes them', () => {
  expect(codec.isCurrent('TrafficMessage')).toBe(true)
  expect(new TopicCodec('traffic', structuredClone(codec.schema)).isCurrent('TrafficMessage')).toBe(true)
  const older = structuredClone(codec.schema) as unknown as { fields: { type: { fields: { name: string }[] } }[] }[]
  const message = older[0]?.fields[2]?.type as { fields: { name: string }[] }
  message.fields = message.fields.filter((field) => field.name !== 'bodyError')
  const reader = new TopicCodec('traffic', older as never)
  expect(reader.isCurrent('TrafficMessage')).toBe(false)
  expect(reader.isCurrent('TrafficConnection')).toBe(true)
})
