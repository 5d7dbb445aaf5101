import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)

/** What llhttp made of one message. */
export interface LlhttpMessage {
  /** Requests only. */
  method: string
  url: string
  /** Responses only. */
  status: number
  minor: number
  /** Names and values in turn, as ISO 8859-1. */
  headers: string[]
  body: Buffer
  complete: boolean
  /** What follows is another protocol. */
  upgrade: boolean
}

/** The part of the WebAssembly interface that is used; the types of Node lack it. */
interface Wasm {
  Module: new (bytes: Uint8Array) => object
  Instance: new (module: object, imports: object) => { exports: object }
}

interface Exports {
  memory: { buffer: ArrayBuffer }
  _initialize(): void
  llhttp_alloc(type: number): number
  llhttp_free(parser: number): void
  llhttp_execute(parser: number, data: number, length: number): number
  llhttp_finish(parser: number): number
  llhttp_get_errno(parser: number): number
  llhttp_get_error_reason(parser: number): number
  llhttp_get_error_pos(parser: number): number
  llhttp_get_method(parser: number): number
  llhttp_get_http_minor(parser: number): number
  llhttp_resume_after_upgrade(parser: number): void
  llhttp_method_name(method: number): number
  malloc(bytes: number): number
  free(pointer: number): void
}

let current: Llhttp

const take = (what: 'url' | 'field' | 'value' | 'body') => (_parser: number, at: number, length: number) => {
  current.piece(what, at, length)
  return 0
}
const { Instance, Module } = (globalThis as unknown as { WebAssembly: Wasm }).WebAssembly
const instance = new Instance(new Module(require('undici/lib/llhttp/llhttp_simd-wasm.js')), {
  env: {
    wasm_on_message_begin: () => current.begin(),
    wasm_on_url: take('url'),
    wasm_on_status: () => 0,
    wasm_on_header_field: take('field'),
    wasm_on_header_value: take('value'),
    wasm_on_headers_complete: (_parser: number, status: number, upgrade: number) =>
      current.headersComplete(status, upgrade === 1),
    wasm_on_body: take('body'),
    wasm_on_message_complete: () => current.messageComplete(),
  },
})
const wasm = instance.exports as unknown as Exports
wasm._initialize()

const inputBytes = 1 << 20
const input = wasm.malloc(inputBytes)

/** Node's HTTP parser, as undici ships it: the reference that ours is compared with. */
export class Llhttp {
  messages: LlhttpMessage[] = []
  /** Why it gave up, null while it has not. */
  error: string | null = null
  /** Requests whose responses have no body, in order of the responses. */
  readonly #heads: boolean[]
  readonly #parser: number
  readonly #isRequest: boolean
  #view: Buffer
  #field = ''
  #value = ''
  #bodies: Buffer[] = []
  #last: 'field' | 'value' = 'value'
  /** Trailers come as header fields behind the body. */
  #inTrailers = false

  constructor(kind: 'request' | 'response', heads: boolean[] = []) {
    this.#isRequest = kind === 'request'
    this.#heads = [...heads]
    this.#parser = wasm.llhttp_alloc(this.#isRequest ? 1 : 2)
    this.#view = Buffer.from(wasm.memory.buffer)
  }

  /** Parses the next bytes, at most 1 MiB. */
  execute(bytes: Buffer): void {
    if (this.error !== null) return
    current = this
    if (this.#view.buffer !== wasm.memory.buffer) this.#view = Buffer.from(wasm.memory.buffer)
    bytes.copy(this.#view, input)
    const code = wasm.llhttp_execute(this.#parser, input, bytes.length)
    if (code !== 0) this.#fail(code)
  }

  /** The stream ends. */
  finish(): void {
    if (this.error !== null) return
    current = this
    const code = wasm.llhttp_finish(this.#parser)
    if (code !== 0) this.#fail(code)
  }

  close(): void {
    wasm.llhttp_free(this.#parser)
  }

  #fail(code: number): void {
    const pausedUpgrade = 22
    if (code === pausedUpgrade) {
      this.error = 'upgrade'
      return
    }
    const reason = wasm.llhttp_get_error_reason(this.#parser)
    this.error = this.#view.toString('latin1', reason, this.#view.indexOf(0, reason)) || `error ${code}`
  }

  begin(): number {
    this.#inTrailers = false
    this.messages.push({
      method: '',
      url: '',
      status: 0,
      minor: 0,
      headers: [],
      body: Buffer.alloc(0),
      complete: false,
      upgrade: false,
    })
    this.#bodies = []
    this.#field = ''
    this.#value = ''
    this.#last = 'value'
    return 0
  }

  piece(what: 'url' | 'field' | 'value' | 'body', at: number, length: number): void {
    const message = this.messages[this.messages.length - 1] as LlhttpMessage
    if (what === 'body') {
      this.#bodies.push(Buffer.from(this.#view.subarray(at, at + length)))
      return
    }
    const text = this.#view.toString('latin1', at, at + length)
    if (what === 'url') message.url += text
    else if (what === 'field') {
      if (this.#last === 'value') this.#endHeader()
      this.#field += text
      this.#last = 'field'
    } else {
      this.#value += text
      this.#last = 'value'
    }
  }

  #endHeader(): void {
    const message = this.messages[this.messages.length - 1] as LlhttpMessage
    if (this.#field !== '' && !this.#inTrailers) message.headers.push(this.#field, this.#value)
    this.#field = ''
    this.#value = ''
  }

  headersComplete(status: number, upgrade: boolean): number {
    this.#endHeader()
    this.#inTrailers = true
    const message = this.messages[this.messages.length - 1] as LlhttpMessage
    message.upgrade = upgrade
    message.minor = wasm.llhttp_get_http_minor(this.#parser)
    if (this.#isRequest) {
      const name = wasm.llhttp_method_name(wasm.llhttp_get_method(this.#parser))
      message.method = this.#view.toString('latin1', name, this.#view.indexOf(0, name))
      return 0
    }
    message.status = status
    return status >= 200 && this.#heads.shift() === true ? 1 : 0
  }

  messageComplete(): number {
    this.#field = ''
    this.#value = ''
    this.#last = 'value'
    const message = this.messages[this.messages.length - 1] as LlhttpMessage
    message.body = Buffer.concat(this.#bodies)
    message.complete = true
    return 0
  }
}
