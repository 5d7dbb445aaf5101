/** The topic catalogue: what each topic holds, who writes it, how it is keyed and kept. */
export const topics = {
  syscalls: {
    writer: 'collector',
    key: 'connection',
    records: ['SocketIo', 'ConnectionOpened', 'ConnectionClosed', 'CaptureLoss', 'Watermark'],
    cleanup: 'delete',
  },
  processes: {
    writer: 'collector',
    key: 'process and program',
    records: ['ProcessSeen', 'ProcessExited', 'Watermark'],
    cleanup: 'compact',
  },
  containers: {
    writer: 'collector',
    key: 'container',
    records: ['Container', 'Watermark', 'ContainerHost'],
    cleanup: 'compact',
  },
  http: { writer: 'http-parser', key: 'connection', records: ['HttpMessage', 'Watermark'], cleanup: 'delete' },
  connections: {
    writer: 'protocol-classifier',
    key: 'connection',
    records: ['Connection', 'ConnectionEnd', 'Watermark'],
    cleanup: 'delete',
  },
  names: { writer: 'protocol-classifier', key: 'process', records: ['NameAnswer', 'Watermark'], cleanup: 'delete' },
  environments: {
    writer: 'env-reader',
    key: 'process and program',
    records: ['Environment', 'Watermark'],
    cleanup: 'compact',
  },
  traffic: {
    writer: 'container-enricher',
    key: 'source service',
    records: ['TrafficMessage', 'TrafficConnection', 'TrafficConnectionEnd', 'Watermark'],
    cleanup: 'delete',
  },
  'dead-letters': { writer: 'runtime', key: 'part', records: ['DeadLetter'], cleanup: 'delete' },
  /** Which generation of the derived topics counts, and the replays: see docs/replay.md. */
  control: {
    writer: 'runtime',
    key: 'what it is about',
    records: ['Generations', 'ProjectionStanding', 'ReplayRequest'],
    cleanup: 'compact',
  },
} as const

export type TopicName = keyof typeof topics

/** Kinds of record a topic holds; the Avro union's branches, in this order. New kinds go at the end. */
export type TopicKind<T extends TopicName> = (typeof topics)[T]['records'][number]

export const topicNames = Object.keys(topics) as TopicName[]
