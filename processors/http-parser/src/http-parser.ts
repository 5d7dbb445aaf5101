import type { InputRecord, KeyedState, Output, Processor, ProcessorInstance } from '@syscribe/runtime'
import type { ConnectionClosed, ConnectionOpened } from '@syscribe/schemas'
import { Connections } from './connections.js'
import type { Connection } from './endpoint.js'
import { IoRecord } from './io-record.js'
import { connectionFormat } from './state-format.js'

/** Finds the HTTP/1 messages in what sockets carried: `syscalls` to `http`. */
export const httpParser: Processor<Connection> = {
  name: 'http-parser',
  streams: ['syscalls'],
  tables: [],
  outputs: [{ topic: 'http', partition: 'input' }],
  state: connectionFormat,
  create: () => new HttpParser(),
}

class HttpParser implements ProcessorInstance<Connection> {
  readonly #connections = new Connections()
  readonly #io = new IoRecord()

  step(input: InputRecord, state: KeyedState<Connection>, out: Output): void {
    switch (input.codec.kindOf(input.value)) {
      case 'SocketIo':
        this.#io.open(input)
        this.#connections.bytes(this.#io, input.timestamp, state, out)
        break
      case 'ConnectionOpened':
        this.#connections.opened(input.codec.decode(input.value).value as ConnectionOpened, state)
        break
      case 'ConnectionClosed':
        this.#connections.closed(input.codec.decode(input.value).value as ConnectionClosed, input.timestamp, state, out)
        break
      default:
    }
  }

  watermark(time: number, final: boolean, state: KeyedState<Connection>, out: Output): void {
    this.#connections.passed(time, final, state, out)
  }
}
