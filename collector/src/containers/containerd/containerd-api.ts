import { fileURLToPath } from 'node:url'
import {
  type Client,
  type ClientReadableStream,
  credentials,
  loadPackageDefinition,
  Metadata,
  type ServiceClientConstructor,
  type ServiceError,
  status,
} from '@grpc/grpc-js'
import { loadSync } from '@grpc/proto-loader'
import { z } from 'zod'
import { ContainerRuntimeError } from '../runtime-error.js'

/** A runtime that does not answer in this time is not there. Milliseconds. */
const answerMs = 15_000
const longestAnswer = 32 << 20

const timestamp = z.object({ seconds: z.coerce.number(), nanos: z.number() })
/** google.protobuf.Any: decoded where its type is one of ours, else its bytes. */
const anything = z.looseObject({ '@type': z.string().optional(), value: z.instanceof(Buffer).optional() })
const task = z.object({
  container_id: z.string(),
  id: z.string(),
  pid: z.number(),
  status: z.string(),
  exited_at: timestamp.nullable(),
})

/** What each call answers, as proto-loader hands it over. */
const answers = {
  version: z.object({ version: z.string() }),
  namespaces: z.object({ namespaces: z.array(z.object({ name: z.string() })) }),
  container: z.object({
    container: z
      .object({
        id: z.string(),
        labels: z.record(z.string(), z.string()),
        image: z.string(),
        spec: anything.nullable(),
        extensions: z.record(z.string(), anything),
      })
      .nullable(),
  }),
  task: z.object({ process: task.nullable() }),
  tasks: z.object({ tasks: z.array(task) }),
  envelope: z.object({
    timestamp: timestamp.nullable(),
    namespace: z.string(),
    topic: z.string(),
    event: anything.nullable(),
  }),
}

export type Task = z.infer<typeof task>
export type Envelope = z.infer<typeof answers.envelope>
export type ContainerdContainer = NonNullable<z.infer<typeof answers.container>['container']>

const folder = fileURLToPath(new URL('../../../proto/containerd/', import.meta.url))
const files = ['version', 'namespaces', 'containers', 'tasks', 'subscribe', 'events'].map((name) => `${name}.proto`)

type Service = 'version' | 'namespaces' | 'containers' | 'tasks' | 'events'

function loadServices(): Record<Service, ServiceClientConstructor> {
  const options = { keepCase: true, defaults: true, arrays: true, objects: true, enums: String, json: true }
  const loaded = loadPackageDefinition(loadSync(files, { ...options, includeDirs: [folder] }))
  const at = (name: string) => {
    const found = name.split('.').reduce<unknown>((node, part) => (node as Record<string, unknown>)[part], loaded)
    return found as ServiceClientConstructor
  }
  return {
    version: at('containerd.services.version.v1.Version'),
    namespaces: at('containerd.services.namespaces.v1.Namespaces'),
    containers: at('containerd.services.containers.v1.Containers'),
    tasks: at('containerd.services.tasks.v1.Tasks'),
    events: at('containerd.services.events.v1.Events'),
  }
}

let services: Record<Service, ServiceClientConstructor> | undefined

type Unary = (
  request: object,
  metadata: Metadata,
  options: { deadline: number },
  done: (error: ServiceError | null, answer: unknown) => void,
) => void

/** containerd's gRPC API on its socket, in one namespace. */
export class ContainerdApi {
  readonly socket: string
  readonly namespace: string
  readonly #clients = new Map<Service, Client>()

  constructor(socket: string, namespace: string) {
    this.socket = socket
    this.namespace = namespace
  }

  /** @throws ContainerRuntimeError, `not_a_runtime` where no containerd answers; as the other calls. */
  async version(): Promise<string> {
    return (await this.#call('version', 'Version', {}, answers.version)).version
  }

  async namespaces(): Promise<string[]> {
    return (await this.#call('namespaces', 'List', {}, answers.namespaces)).namespaces.map(({ name }) => name)
  }

  /** Null when there is none. */
  async container(id: string): Promise<ContainerdContainer | null> {
    return absent(async () => (await this.#call('containers', 'Get', { id }, answers.container)).container)
  }

  /** Null when there is none. */
  async task(id: string): Promise<Task | null> {
    return absent(async () => (await this.#call('tasks', 'Get', { container_id: id }, answers.task)).process)
  }

  async tasks(): Promise<Task[]> {
    return (await this.#call('tasks', 'List', {}, answers.tasks)).tasks
  }

  /** Events of this namespace; `onEnd` is called once. */
  subscribe(onEvent: (event: Envelope) => void, onEnd: (error: ContainerRuntimeError) => void): () => void {
    const client = this.#client('events') as Client & {
      Subscribe(request: object, metadata: Metadata): ClientReadableStream<unknown>
    }
    const stream = client.Subscribe({ filters: [`namespace==${JSON.stringify(this.namespace)}`] }, this.#metadata())
    stream.on('data', (value) => {
      const parsed = answers.envelope.safeParse(value)
      if (parsed.success) onEvent(parsed.data)
      else stream.destroy(new Error(`an event cannot be read: ${parsed.error.issues[0]?.message}`))
    })
    const end = (cause?: Error) => {
      const why = cause?.message ?? 'the runtime ended the stream of events'
      onEnd(new ContainerRuntimeError('unavailable', `${this.socket}: ${why}`, { cause }))
    }
    stream.once('error', end)
    stream.once('end', () => end())
    return () => stream.cancel()
  }

  close(): void {
    for (const client of this.#clients.values()) client.close()
    this.#clients.clear()
  }

  #client(service: Service): Client {
    let client = this.#clients.get(service)
    if (client === undefined) {
      services ??= loadServices()
      client = new services[service](`unix:${this.socket}`, credentials.createInsecure(), {
        'grpc.max_receive_message_length': longestAnswer,
        'grpc.default_authority': 'localhost',
        'grpc.enable_retries': 0,
      })
      this.#clients.set(service, client)
    }
    return client
  }

  #metadata(): Metadata {
    const metadata = new Metadata()
    metadata.set('containerd-namespace', this.namespace)
    return metadata
  }

  #call<T>(service: Service, method: string, request: object, schema: z.ZodType<T>): Promise<T> {
    const client = this.#client(service)
    const call = (client as unknown as Record<string, Unary>)[method] as Unary
    return new Promise((resolve, reject) => {
      call.call(client, request, this.#metadata(), { deadline: Date.now() + answerMs }, (error, answer) => {
        if (error !== null) return reject(this.#fault(method, error))
        const parsed = schema.safeParse(answer)
        if (parsed.success) return resolve(parsed.data)
        const why = `${parsed.error.issues[0]?.path.join('.')}: ${parsed.error.issues[0]?.message}`
        reject(
          new ContainerRuntimeError('bad_answer', `${this.socket}: the answer to ${method} cannot be read: ${why}`),
        )
      })
    })
  }

  #fault(method: string, cause: ServiceError): ContainerRuntimeError {
    const fault = (code: ContainerRuntimeError['code'], why: string) =>
      new ContainerRuntimeError(code, `${this.socket}: ${why}`, { cause })
    switch (cause.code) {
      case status.UNIMPLEMENTED:
        return fault('not_a_runtime', `a gRPC server answers, and it is not containerd (${method}: ${cause.details})`)
      case status.DEADLINE_EXCEEDED:
        return fault('timeout', `no answer to ${method} in ${answerMs / 1000} s`)
      case status.UNAVAILABLE:
        return fault('unavailable', cause.details)
      default:
        return fault('bad_answer', `${method} failed: ${cause.details}`)
    }
  }
}

async function absent<T>(ask: () => Promise<T | null>): Promise<T | null> {
  try {
    return await ask()
  } catch (error) {
    const cause =
      error instanceof ContainerRuntimeError ? (error.cause as Partial<ServiceError> | undefined) : undefined
    if (cause?.code === status.NOT_FOUND) return null
    throw error
  }
}
