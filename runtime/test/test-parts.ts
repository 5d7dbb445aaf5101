import { appendFileSync, existsSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import type { KindRecord } from '@syscribe/schemas'
import type { AnyProcessor, Processor, Projection, StateFormat } from '../src/index.js'
import { ownCodec } from '../src/own-codec.js'
import { boot } from './test-records.js'

export const numberState: StateFormat<{ count: number }> = {
  version: 1,
  encode: ({ count }) => Buffer.from(String(count)),
  decode: (bytes) => ({ count: Number(bytes.toString()) }),
}

export function answer(time: number, name: string): KindRecord<'NameAnswer'> {
  const process = { host: 'a', boot, pid: 1, processStart: 1 }
  return { time: time * 1000, timeNanos: 0, process, name, addresses: [] }
}

const key = Buffer.from('name')

/** Emits each loss as a name; a negative number is a record it cannot take. */
export function namer(): Processor<{ count: number }> {
  return {
    name: 'namer',
    streams: ['syscalls'],
    tables: [],
    outputs: [{ topic: 'names', partition: 'input' }],
    state: numberState,
    create: () => ({
      step(input, state, out) {
        const record = input.codec.decode(input.value)
        if (record.kind !== 'CaptureLoss') throw new Error(`unexpected ${record.kind}`)
        const { records } = record.value
        const id = `key${records % 10}`
        out.emit('names', 'NameAnswer', answer(input.timestamp, `begun ${records}`), key, input.timestamp)
        if (records < 0) throw new Error(`cannot take ${records}`)
        const entry = state.update(id) ?? { count: 0 }
        entry.count++
        state.set(id, entry)
        out.emit('names', 'NameAnswer', answer(input.timestamp, `${records} ${entry.count}`), key, input.timestamp)
        if (records % 7 === 0) state.delete(id)
      },
    }),
  }
}

/** Joins each loss with the last process that exited; says what it is told by watermarks. */
export function joiner(): Processor<{ count: number }> {
  return {
    name: 'joiner',
    streams: ['syscalls'],
    tables: ['processes'],
    outputs: [{ topic: 'names', partition: 'input' }],
    state: numberState,
    create: () => ({
      step(input, state, out) {
        const record = input.codec.decode(input.value)
        if (record.kind === 'ProcessExited') state.set('last', { count: record.value.pid })
        else if (record.kind === 'CaptureLoss') {
          const name = `${record.value.records}+${state.get('last')?.count ?? 'none'}`
          out.emit('names', 'NameAnswer', answer(input.timestamp, name), key, input.timestamp)
        }
      },
      watermark(time, final, state, out) {
        const name = `at ${time}${final ? ' final' : ''} ${state.get('last')?.count ?? 'none'}`
        out.emit('names', 'NameAnswer', answer(time, name), key, time)
      },
    }),
  }
}

/** The joiner as its next version: it says things otherwise. */
export function joiner2(): AnyProcessor {
  const before = joiner() as AnyProcessor
  return {
    ...before,
    create: () => {
      const instance = before.create()
      return {
        step(input, state, out) {
          const emit: typeof out.emit = (_topic, _kind, value, key, timestamp) => {
            const { name } = value as { name: string }
            out.emit('names', 'NameAnswer', answer(timestamp, `v2 ${name}`), key, timestamp)
          }
          instance.step(input, state as never, { ...out, emit, emitEncoded: out.emitEncoded })
        },
      }
    },
  }
}

/** What a fault-injecting test may do at each point where a crash can fall. */
export type Hook = (point: string) => void | Promise<void>

/** Writes the names as lines, with a running count of each from its state; its metadata is the file's length. */
export function liner(hook: Hook = () => {}): Projection<{ count: number }> {
  const codec = ownCodec('names')
  return {
    name: 'liner',
    topics: ['names'],
    state: numberState,
    async open(target, metadata) {
      await hook('open')
      if (metadata === null || !existsSync(target)) writeFileSync(target, '')
      else truncateSync(target, Number(metadata))
      let lines = ''
      return {
        apply(input, state) {
          const record = codec.decode(input.value)
          if (record.kind !== 'NameAnswer') throw new Error(`unexpected ${record.kind}`)
          if (record.value.name.startsWith('poison')) throw new Error(`cannot take ${record.value.name}`)
          let entry = state.update(record.value.name)
          if (entry === undefined) {
            entry = { count: 0 }
            state.set(record.value.name, entry)
          }
          entry.count++
          lines += `${record.value.name} x${entry.count}\n`
        },
        async flush() {
          await hook('flush')
          const half = lines.length >> 1
          appendFileSync(target, lines.slice(0, half))
          await hook('flush half')
          appendFileSync(target, lines.slice(half))
          lines = ''
          await hook('flushed')
          return String(statSync(target).size)
        },
        async close() {},
      }
    },
  }
}
