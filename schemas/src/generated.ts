// Made by generate-types.mjs from avro/*.avsc. Do not edit.

/** The kernel's random boot identity (/proc/sys/kernel/random/boot_id), 16 bytes. */
export type BootId = Buffer

/** Capture records were lost; which bytes, shows in the positions. */
export interface CaptureLoss {
  /** When it was noticed, microseconds since the Unix epoch, UTC (kernel monotonic clock plus the host's offset). */
  time: number
  /** Nanoseconds beyond `time`, 0 to 999. */
  timeNanos: number
  /** Name of the observing host (SYSCRIBE_HOST, default its host name). */
  host: string
  /** Boot of that host; cookies and pids are unique only within one boot. */
  boot: BootId
  /** Where. */
  cause: LossCause
  /** Capture records lost since the last such record. */
  records: number
  /** Payload bytes in them. */
  bytes: number
}

/** One connection that does not speak HTTP/1.x, classified, as one observed process has it. */
export interface Connection {
  /** The connection. */
  connection: ConnectionId
  /** When, microseconds since the Unix epoch, UTC (kernel monotonic clock plus the host's offset). */
  time: number
  /** Nanoseconds beyond `time`, 0 to 999. */
  timeNanos: number
  /** Role of the observed process. */
  role: Role
  /** Socket cookie (bpf_get_socket_cookie), unique within one boot. */
  cookie: number
  /** Inode number of the socket's network namespace. */
  netns: number
  /** The observed process. */
  process: ProcessKey
  /** The process at the other end, when that one is observed too. */
  peer: ProcessKey | null
  /** Transport protocol. */
  transport: Transport
  /** IP address of who connected. */
  clientAddress: string
  /** Its port. */
  clientPort: number
  /** IP address of who accepted. */
  serverAddress: string
  /** Its port. */
  serverPort: number
  /** postgres, mysql, mongodb, mssql, redis, memcached, kafka, amqp, nats, tls, http2, dns; null when not recognised. */
  protocol: string | null
  /** database, cache or message_bus; other for a protocol outside those; null when not recognised. */
  category: string | null
  /** 0 to 100: 90 the payload confirmed it, 60 only the port speaks for it. */
  confidence: number
  /** What was seen, in words. */
  reason: string
  /** TLS server name (RFC 6066 section 3), null when none was seen. */
  serverName: string | null
  /** The connection was open before watching began; its earlier bytes are not in the log. */
  joinedLate: boolean
}

/** An observed socket was closed (TCP state CLOSE). */
export interface ConnectionClosed {
  /** The connection. */
  connection: ConnectionId
  /** When, microseconds since the Unix epoch, UTC (kernel monotonic clock plus the host's offset). */
  time: number
  /** Nanoseconds beyond `time`, 0 to 999. */
  timeNanos: number
  /** Socket cookie (bpf_get_socket_cookie), unique within one boot. */
  cookie: number
  /** Bytes sent in all: the send position at the end. */
  sent: number
  /** Bytes the process received in all: the receive position at the end. */
  received: number
  /** Process id (thread group id) in the initial pid namespace. */
  pid: number
  /** Start time of the process in clock ticks (10 ms) since boot, field 22 of /proc/<pid>/stat: tells a re-used pid apart. */
  processStart: number
  /** Name of the observing host (SYSCRIBE_HOST, default its host name). */
  host: string
  /** Boot of that host; cookies and pids are unique only within one boot. */
  boot: BootId
}

/** A connection of an earlier Connection record, or an HTTP connection, ended: what passed and what was seen of it. */
export interface ConnectionEnd {
  /** The connection. */
  connection: ConnectionId
  /** When, microseconds since the Unix epoch, UTC (kernel monotonic clock plus the host's offset). */
  time: number
  /** Nanoseconds beyond `time`, 0 to 999. */
  timeNanos: number
  /** Role of the observed process. */
  role: Role
  /** Socket cookie (bpf_get_socket_cookie), unique within one boot. */
  cookie: number
  /** Inode number of the socket's network namespace. */
  netns: number
  /** The observed process. */
  process: ProcessKey
  /** The process at the other end, when that one is observed too. */
  peer: ProcessKey | null
  /** IP address of who connected. */
  clientAddress: string
  /** Its port. */
  clientPort: number
  /** IP address of who accepted. */
  serverAddress: string
  /** Its port. */
  serverPort: number
  /** As in Connection; http1 for HTTP/1.x. */
  protocol: string | null
  /** Bytes the observed process sent while watched. */
  sent: number
  /** Bytes it received while watched. */
  received: number
  /** Bytes of both that were captured. */
  captured: number
  /** Every reason for which bytes were not captured. */
  unseen: NotCaptured[]
}

/** Identity of a connection, the same at both of its ends and through NAT. TCP: the sequence number of the client's first byte, then of the server's first byte (initial sequence number + 1, RFC 9293 section 3.4), each 4 bytes big-endian. UDP: a 64-bit hash of host, boot, socket cookie and peer. */
export type ConnectionId = Buffer

/** A process that opted in has an open connection: seen when it was made, at its first use, or when watching began. */
export interface ConnectionOpened {
  /** The connection. */
  connection: ConnectionId
  /** When, microseconds since the Unix epoch, UTC (kernel monotonic clock plus the host's offset). */
  time: number
  /** Nanoseconds beyond `time`, 0 to 999. */
  timeNanos: number
  /** Role of the observed process. */
  role: Role
  /** Socket cookie (bpf_get_socket_cookie), unique within one boot. */
  cookie: number
  /** Position of the first byte sent after watching began; 0 unless joinedLate. */
  sendPosition: number
  /** Position of the first byte received after watching began; 0 unless joinedLate. */
  receivePosition: number
  /** The connection was open before watching began; its earlier bytes are not in the log. */
  joinedLate: boolean
  /** Transport protocol. */
  transport: Transport
  /** Local address: 4 bytes (IPv4, also when mapped into IPv6) or 16 bytes (IPv6); empty when unknown. */
  localAddress: Buffer
  /** Local port, 0 when unknown. */
  localPort: number
  /** Remote address, as localAddress. */
  remoteAddress: Buffer
  /** Remote port, 0 when unknown. */
  remotePort: number
  /** Process id (thread group id) in the initial pid namespace. */
  pid: number
  /** Start time of the process in clock ticks (10 ms) since boot, field 22 of /proc/<pid>/stat: tells a re-used pid apart. */
  processStart: number
  /** Inode number of the socket's network namespace. */
  netns: number
  /** Name of the observing host (SYSCRIBE_HOST, default its host name). */
  host: string
  /** Boot of that host; cookies and pids are unique only within one boot. */
  boot: BootId
}

/** A container as its runtime describes it. */
export interface Container {
  /** Name of the observing host (SYSCRIBE_HOST, default its host name). */
  host: string
  /** Boot of that host; cookies and pids are unique only within one boot. */
  boot: BootId
  /** When, microseconds since the Unix epoch, UTC (kernel monotonic clock plus the host's offset). */
  time: number
  /** Nanoseconds beyond `time`, 0 to 999. */
  timeNanos: number
  /** docker, containerd or podman. */
  runtime: string
  /** Full container id. */
  id: string
  /** Name without a leading slash. */
  name: string
  /** Image with tag. */
  image: string
  /** Label com.docker.compose.service, null when absent. */
  service: string | null
  /** All labels. */
  labels: Record<string, string>
  /** Its IP addresses on every network. */
  addresses: string[]
  /** It shares the host's network namespace. */
  hostNetwork: boolean
  /** Published ports. */
  ports: PublishedPort[]
  /** Its cgroup path, empty when unknown. */
  cgroup: string
  /** Its first process in the initial pid namespace, 0 when unknown. */
  pid: number
  /** Since when the record holds: when the container started, or when what it says of it changed (addresses, published ports, name). */
  from: number
  /** Until when: when it stopped or that changed; null while it holds. */
  to: number | null
  /** Inode number of its network namespace (stat of /proc/<pid>/ns/net), 0 when unknown. */
  netns: number
  /** The networks it is on: which addresses are of one scope. Empty when unknown. */
  networks: ContainerNetwork[]
}

/** A host whose container runtime is watched: published before anything else of that host when a runtime's socket is configured, whether or not it answers, and again when what it says changes. */
export interface ContainerHost {
  /** Name of the observing host (SYSCRIBE_HOST, default its host name). */
  host: string
  /** Boot of that host; cookies and pids are unique only within one boot. */
  boot: BootId
  /** When, microseconds since the Unix epoch, UTC (kernel monotonic clock plus the host's offset). */
  time: number
  /** Nanoseconds beyond `time`, 0 to 999. */
  timeNanos: number
  /** docker, containerd or podman; empty while it is not known. */
  runtime: string
  /** Every container that runs at `time` is in the topic. False from when watching begins, or when the runtime was lost, until they have been listed. */
  complete: boolean
  /** Inode number of the host's own network namespace, 0 when unknown: there loopback leads to published ports. */
  netns: number
  /** IP addresses of the host's interfaces, bridges included: a port published on all addresses is reached by each. */
  addresses: string[]
}

/** A network of a container runtime, as one container is on it. */
export interface ContainerNetwork {
  /** Tells it apart on its host: its id where the runtime gives one, else its name. */
  name: string
  /** The container's IP addresses on it. */
  addresses: string[]
  /** IP addresses by which a container on it reaches the runtime's host, such as the bridge's. */
  gateways: string[]
}

/** A container as outputs name it. */
export interface ContainerRef {
  /** Compose service. */
  service: string | null
  /** Image with tag. */
  image: string
  /** Full container id. */
  id: string
  /** Container name. */
  name: string
  /** Its pod, null outside Kubernetes. */
  pod: PodRef | null
}

/** A record that a processor or projection could not take, with why. */
export interface DeadLetter {
  /** The processor or projection. */
  part: string
  /** Topic of the record. */
  topic: string
  /** Partition of the record. */
  partition: number
  /** Offset of the record. */
  offset: number
  /** Why, with the error's code where it has one. */
  error: string
  /** Key of the record. */
  key: Buffer | null
  /** The record as it was. */
  value: Buffer | null
}

/** Seen from the observed process: it sent the bytes, or received them. */
export type Direction = 'send' | 'recv'

/** container: a container known to the runtime. external: anything else, a plain process of this host included. */
export type EndpointType = 'container' | 'external'

/** One process's environment, ready to show. */
export interface Environment {
  /** The process. */
  process: ProcessKey
  /** When, microseconds since the Unix epoch, UTC (kernel monotonic clock plus the host's offset). */
  time: number
  /** Nanoseconds beyond `time`, 0 to 999. */
  timeNanos: number
  /** Name of the program. */
  comm: string
  /** Arguments joined by single spaces; invalid UTF-8 as U+FFFD. */
  cmdline: string
  /** Value of ADI_PROFILE. */
  profile: string
  /** Value of ADI_PROFILE_NAME. */
  profileName: string | null
  /** Variables in their order; of a repeated name the first, which is what getenv returns. */
  variables: Variable[]
  /** Names of the variables whose value had invalid UTF-8. */
  invalidUtf8: string[]
  /** Why the environment could not be had, null when it is whole. */
  error: string | null
}

/** An environment variable. */
export interface Variable {
  /** Name. */
  name: string
  /** Value; invalid UTF-8 as U+FFFD. */
  value: string
}

/** Which generation of each processor's outputs counts, and the replay under way. The only record with the key `generations`. */
export interface Generations {
  /** What is read and written now. A processor not named is in generation 1. */
  current: ProcessorGeneration[]
  /** What a replay of processors derives beside; empty when there is none. */
  building: ProcessorGeneration[]
  /** What is read no longer and waits to be deleted. */
  retired: ProcessorGeneration[]
  /** Processor whose replay is under way; null when there is none. */
  replayed: string | null
  /** Set when the processors of the replay have caught up: projections that have caught up after that say so with this value. */
  round: string | null
}

/** An HTTP header or trailer field as it was on the wire. */
export interface Header {
  /** Field name. */
  name: string
  /** Field value without surrounding white space; bytes outside ASCII as ISO 8859-1 when they are not UTF-8. */
  value: string
}

/** A line of a process's /etc/hosts. */
export interface HostEntry {
  /** IP address as text. */
  address: string
  /** Host names of that address, in file order. */
  names: string[]
}

/** One HTTP/1.x message (RFC 9112) as one observed process sent or received it. */
export interface HttpMessage {
  /** The connection. */
  connection: ConnectionId
  /** Request or response. */
  kind: MessageKind
  /** Sent or received by the observed process. */
  direction: Direction
  /** Role of the observed process. */
  role: Role
  /** Ordinal of the request on its connection, from 0: pairs a response with its request. */
  exchange: number
  /** Ordinal of this message among those of its kind on its connection and end, from 0 (informational responses make it run ahead of exchange). */
  ordinal: number
  /** When, microseconds since the Unix epoch, UTC (kernel monotonic clock plus the host's offset). */
  time: number
  /** Nanoseconds beyond `time`, 0 to 999. */
  timeNanos: number
  /** When its last byte passed, or it was given up. */
  endTime: number
  /** Socket cookie (bpf_get_socket_cookie), unique within one boot. */
  cookie: number
  /** Inode number of the socket's network namespace. */
  netns: number
  /** The observed process. */
  process: ProcessKey
  /** The process at the other end, when that one is observed too. */
  peer: ProcessKey | null
  /** IP address of who sent the message. */
  sourceAddress: string
  /** Its port. */
  sourcePort: number
  /** IP address of who received it. */
  destinationAddress: string
  /** Its port. */
  destinationPort: number
  /** Bytes of the whole message on the wire. */
  length: number
  /** No byte is missing. */
  complete: boolean
  /** Bytes of the message known to be missing. */
  missingBytes: number
  /** Why; null when complete. */
  missingReason: MissingReason | null
  /** HTTP version, for example 1.1. */
  version: string
  /** Request method; on a response that of its request, null when not known. */
  method: string | null
  /** Request target as on the wire; on a response that of its request, null when not known. */
  url: string | null
  /** Status code; null on requests. */
  status: number | null
  /** Header fields in wire order. */
  headers: Header[]
  /** Trailer fields of a chunked body, in wire order. */
  trailers: Header[]
  /** Offset in `raw` where the body begins. */
  bodyStart: number
  /** The body with transfer and content codings removed; null when that is `raw` from bodyStart on, unchanged. */
  body: Buffer | null
  /** Why the content coding could not be removed; the body is then as it was on the wire, less the transfer coding. */
  bodyError: string | null
  /** The captured bytes of the message, missing ones left out. */
  raw: Buffer
}

/** Where the bytes were read: as they passed the socket, or in the clear above a TLS library. */
export type Layer = 'socket' | 'tls'

/** Where capture records were lost. ring_full: the kernel's ring buffer had no room. queue_full: the collector's bounded queue had no room (the disk or the broker stalls). scratch_busy: no scratch buffer was free on that CPU. table_full: a kernel map was full. encode: a record could not be encoded. other: any other cause. killed: capture did not end in order before this start, as when it was killed or the host went down; what was in memory then is gone, its `records` and `bytes` are not known and 0. */
export type LossCause = 'ring_full' | 'queue_full' | 'scratch_busy' | 'table_full' | 'encode' | 'other' | 'killed'

/** Half of an HTTP exchange. */
export type MessageKind = 'request' | 'response'

/** Why a message is incomplete. capture_cap: longer than the capture limit. lost: dropped on the way, or never visible in user memory. joined_late: began before watching did. connection_closed: the connection ended before the message did. */
export type MissingReason = 'capture_cap' | 'lost' | 'joined_late' | 'connection_closed'

/** A name that a process looked up: a DNS answer it received (RFC 1035). */
export interface NameAnswer {
  /** When, microseconds since the Unix epoch, UTC (kernel monotonic clock plus the host's offset). */
  time: number
  /** Nanoseconds beyond `time`, 0 to 999. */
  timeNanos: number
  /** Who asked. */
  process: ProcessKey
  /** The name asked for, without the final dot. */
  name: string
  /** IP addresses answered. */
  addresses: string[]
}

/** Why fewer bytes were captured than passed. none: all captured. cap: beyond the capture limit of one message. fault: user memory could not be read. no_user_buffer: sendfile or splice, the bytes never lay in user memory. io_uring: submitted through a ring, the buffer is not known. lost: dropped on the way from the kernel to the log. joined_late: passed before watching began. other: any other cause. */
export type NotCaptured = 'none' | 'cap' | 'fault' | 'no_user_buffer' | 'io_uring' | 'lost' | 'joined_late' | 'other'

/** One end of a connection, named. */
export interface Party {
  /** Service name, by the rules of the documentation; its address when nothing better is known. */
  name: string
  /** Container or external. */
  type: EndpointType
  /** Its container. */
  container: ContainerRef | null
  /** Its process, when observed. */
  process: ProcessRef | null
  /** What the name was taken from, in words. */
  reason: string
}

/** A pod of Kubernetes, from the labels its runtime gives each container (io.kubernetes.pod.*). */
export interface PodRef {
  /** Namespace of the pod. */
  namespace: string
  /** Name of the pod. */
  name: string
  /** What the pod is one of: its name without what its controller added. */
  workload: string
}

/** An observed process ended. */
export interface ProcessExited {
  /** Name of the observing host (SYSCRIBE_HOST, default its host name). */
  host: string
  /** Boot of that host; cookies and pids are unique only within one boot. */
  boot: BootId
  /** Process id (thread group id) in the initial pid namespace. */
  pid: number
  /** Start time of the process in clock ticks (10 ms) since boot, field 22 of /proc/<pid>/stat: tells a re-used pid apart. */
  processStart: number
  /** When, microseconds since the Unix epoch, UTC (kernel monotonic clock plus the host's offset). */
  time: number
  /** Nanoseconds beyond `time`, 0 to 999. */
  timeNanos: number
}

/** One process of one boot of one host. */
export interface ProcessKey {
  /** Name of the observing host (SYSCRIBE_HOST, default its host name). */
  host: string
  /** Boot of that host; cookies and pids are unique only within one boot. */
  boot: BootId
  /** Process id (thread group id) in the initial pid namespace. */
  pid: number
  /** Start time of the process in clock ticks (10 ms) since boot, field 22 of /proc/<pid>/stat: tells a re-used pid apart. */
  processStart: number
}

/** An observed process as outputs name it. */
export interface ProcessRef {
  /** The process. */
  key: ProcessKey
  /** Name of the program. */
  comm: string
  /** Arguments joined by single spaces. */
  cmdline: string
  /** Value of ADI_PROFILE. */
  profile: string
  /** Value of ADI_PROFILE_NAME. */
  profileName: string | null
}

/** A process that opted in, as the host showed it when it was first known or executed another program. */
export interface ProcessSeen {
  /** Name of the observing host (SYSCRIBE_HOST, default its host name). */
  host: string
  /** Boot of that host; cookies and pids are unique only within one boot. */
  boot: BootId
  /** Process id (thread group id) in the initial pid namespace. */
  pid: number
  /** Start time of the process in clock ticks (10 ms) since boot, field 22 of /proc/<pid>/stat: tells a re-used pid apart. */
  processStart: number
  /** When, microseconds since the Unix epoch, UTC (kernel monotonic clock plus the host's offset). */
  time: number
  /** Nanoseconds beyond `time`, 0 to 999. */
  timeNanos: number
  /** How it came to be known. */
  reason: ProcessSeenReason
  /** Process id of the parent, 0 when unknown. */
  parentPid: number
  /** Name of the program, at most 15 bytes (task_struct.comm). */
  comm: string
  /** Arguments, each ended by a NUL byte (/proc/<pid>/cmdline); empty when it could not be read. */
  cmdline: Buffer
  /** Path in the cgroup hierarchy that names the container, empty when unknown. */
  cgroup: string
  /** Value of ADI_PROFILE that opted the process in. */
  profile: string
  /** Value of ADI_PROFILE_NAME, null when not set. */
  profileName: string | null
  /** Environment after ENV_PREFIX_LIST: NAME=value strings, each ended by a NUL byte, in their order; null when it could not be read. */
  environment: Buffer | null
  /** Why the environment could not be read, or that it was cut; null when it is whole. */
  environmentError: string | null
  /** Names in the /etc/hosts the process saw, those of the host itself left out. */
  hosts: HostEntry[]
}

/** How a process came to be known. exec: it executed a program. fork: an observed process forked it and it used a socket. adopted: it ran already when watching began. */
export type ProcessSeenReason = 'exec' | 'fork' | 'adopted'

/** One derivation of a processor's outputs from the oldest records on. */
export interface ProcessorGeneration {
  /** Name of the processor. */
  processor: string
  /** From 1. Generation 1 of topic `http` is named `http`, generation 2 `http.2`. */
  generation: number
  /** Topics of the catalogue that the processor writes. */
  topics: string[]
}

/** An output being built beside the one in use. */
export interface ProjectionBuild {
  /** What it is built from, as far as the projection reads it. */
  generations: ProcessorGeneration[]
  /** Id of the ReplayRequest it answers; null when it is built because a generation changes. */
  request: string | null
  /** Records taken. */
  records: number
  /** Records its inputs hold now. */
  of: number
  /** The `round` of Generations in which it had caught up. */
  caughtUp: string | null
}

/** Where a projection stands, said by the process that writes its output. Key `projection/` and the part. */
export interface ProjectionStanding {
  /** Name of the part: projection@target, with the name of its group and a dot before it where it has one. */
  part: string
  /** Name of the projection. */
  projection: string
  /** Path of its output on that host. */
  target: string
  /** Host of the process. */
  host: string
  /** The process. */
  pid: number
  /** Topics of the catalogue that the projection reads. */
  topics: string[]
  /** False once the process has ended in order; one that was killed still says true. */
  running: boolean
  /** What the output in use was derived from, as far as the projection reads it. */
  standsOn: ProcessorGeneration[]
  /** The output being built beside; null when there is none. */
  build: ProjectionBuild | null
  /** Id of the last ReplayRequest done or refused. */
  answered: string | null
  /** Why that request, or the build, does not go on; null when it does. */
  fault: string | null
}

/** A port of the host that leads to a container. */
export interface PublishedPort {
  /** Host address, 0.0.0.0 or :: for all. */
  hostAddress: string
  /** Host port. */
  hostPort: number
  /** Port in the container. */
  containerPort: number
  /** Transport protocol. */
  transport: Transport
}

/** Asks the process that writes a projection's output to build it anew. Key `request/` and the part. */
export interface ReplayRequest {
  /** Tells it from others, UUID. */
  id: string
  /** Name of the part: projection@target. */
  part: string
  /** Begin with the records at or after this time, milliseconds since the Unix epoch; null: see `fromOffset`. */
  fromTime: number | null
  /** Begin with this offset in every partition; null: with `fromTime`, or the oldest record. */
  fromOffset: number | null
}

/** Of the observed process on its connection: client is the one that called connect, server the one that accepted. UDP: client is the one that sent first. */
export type Role = 'client' | 'server' | 'unknown'

/** Bytes that one system call moved on one socket, or one piece of them. Fields read for every record come first, the payload last. */
export interface SocketIo {
  /** The connection. */
  connection: ConnectionId
  /** When, microseconds since the Unix epoch, UTC (kernel monotonic clock plus the host's offset). */
  time: number
  /** Nanoseconds beyond `time`, 0 to 999. */
  timeNanos: number
  /** Sent or received by the observed process. */
  direction: Direction
  /** Role of the observed process. */
  role: Role
  /** Socket cookie (bpf_get_socket_cookie), unique within one boot. */
  cookie: number
  /** Offset of the first byte in its direction of the connection, 0 for the first byte after the handshake: TCP's own sequence position (tcp_sock.write_seq, copied_seq) less its start. UDP: bytes counted since watching began. */
  position: number
  /** Bytes of the stream this record stands for, at least the payload's length. */
  length: number
  /** Why the payload is shorter than length. */
  missing: NotCaptured
  /** Where the payload was read. */
  layer: Layer
  /** The connection was open before watching began; its earlier bytes are not in the log. */
  joinedLate: boolean
  /** Transport protocol. */
  transport: Transport
  /** Local address: 4 bytes (IPv4, also when mapped into IPv6) or 16 bytes (IPv6); empty when unknown. */
  localAddress: Buffer
  /** Local port, 0 when unknown. */
  localPort: number
  /** Remote address, as localAddress. */
  remoteAddress: Buffer
  /** Remote port, 0 when unknown. */
  remotePort: number
  /** Process id (thread group id) in the initial pid namespace. */
  pid: number
  /** Start time of the process in clock ticks (10 ms) since boot, field 22 of /proc/<pid>/stat: tells a re-used pid apart. */
  processStart: number
  /** Inode number of the socket's network namespace. */
  netns: number
  /** Name of the observing host (SYSCRIBE_HOST, default its host name). */
  host: string
  /** Boot of that host; cookies and pids are unique only within one boot. */
  boot: BootId
  /** The captured bytes: the first ones of `length`. */
  payload: Buffer
}

/** One key of a processor's or projection's state at a checkpoint. */
export interface StateEntry {
  /** Encoded by its owner. */
  value: Buffer
}

/** A classified connection with both ends named. */
export interface TrafficConnection {
  /** Who connected. */
  client: Party
  /** Who accepted. */
  server: Party
  /** The connection. */
  connection: Connection
}

/** The end of a connection with both ends named. */
export interface TrafficConnectionEnd {
  /** Who connected. */
  client: Party
  /** Who accepted. */
  server: Party
  /** The end. */
  end: ConnectionEnd
}

/** An HTTP message with both ends named. The message comes last, encoded as in the topic http. */
export interface TrafficMessage {
  /** Who connected. */
  client: Party
  /** Who accepted. */
  server: Party
  /** The message. */
  message: HttpMessage
}

/** Transport protocol of the socket. */
export type Transport = 'tcp' | 'udp'

/** Everything of this host in this partition up to `time` has been published: no later record has an earlier time. */
export interface Watermark {
  /** When, microseconds since the Unix epoch, UTC (kernel monotonic clock plus the host's offset). */
  time: number
  /** Nanoseconds beyond `time`, 0 to 999. */
  timeNanos: number
  /** Name of the observing host (SYSCRIBE_HOST, default its host name). */
  host: string
  /** Boot of that host; cookies and pids are unique only within one boot. */
  boot: BootId
  /** Capture on this host has ended; nothing more comes until it starts again. */
  final: boolean
}

/** Every record type by name. */
export interface AvroRecords {
  CaptureLoss: CaptureLoss
  Connection: Connection
  ConnectionClosed: ConnectionClosed
  ConnectionEnd: ConnectionEnd
  ConnectionOpened: ConnectionOpened
  Container: Container
  ContainerHost: ContainerHost
  ContainerNetwork: ContainerNetwork
  ContainerRef: ContainerRef
  DeadLetter: DeadLetter
  Environment: Environment
  Generations: Generations
  Header: Header
  HostEntry: HostEntry
  HttpMessage: HttpMessage
  NameAnswer: NameAnswer
  Party: Party
  PodRef: PodRef
  ProcessExited: ProcessExited
  ProcessKey: ProcessKey
  ProcessRef: ProcessRef
  ProcessSeen: ProcessSeen
  ProcessorGeneration: ProcessorGeneration
  ProjectionBuild: ProjectionBuild
  ProjectionStanding: ProjectionStanding
  PublishedPort: PublishedPort
  ReplayRequest: ReplayRequest
  SocketIo: SocketIo
  StateEntry: StateEntry
  TrafficConnection: TrafficConnection
  TrafficConnectionEnd: TrafficConnectionEnd
  TrafficMessage: TrafficMessage
  Watermark: Watermark
}
