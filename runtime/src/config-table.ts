import type { z } from 'zod'
import { bytes, filePath, list, oneOf, onOff, path, prefixList, text, wholeNumber } from './config-values.js'

/** One setting: a variable and a flag that mean the same. */
export interface Setting<S extends z.ZodType = z.ZodType> {
  /** Environment variable. */
  readonly variable: string
  /** Flag of `syscribe run`, which wins over the variable. */
  readonly flag: string
  /** What stands behind the flag in help. */
  readonly argument: string
  /** Text used when neither is set; null when the setting then is off or found out (see `otherwise`). */
  readonly default: string | null
  /** What happens without a value, in words, when there is no default text. */
  readonly otherwise?: string
  readonly meaning: string
  readonly schema: S
}

const setting = <S extends z.ZodType>(entry: Setting<S>): Setting<S> => entry

const powerOfTwo = (size: number) => Number.isInteger(Math.log2(size))

/**
 * Every setting, in the order of help and README. Parsing, `--help` and the table in README.md are made from it.
 * The first seven are those of the proof of concept, with its defaults and its meaning.
 */
export const settings = {
  outputPath: setting({
    variable: 'OUTPUT_PATH',
    flag: '--output',
    argument: 'FILE',
    default: '/var/log/ebpf_http_profiler.log',
    meaning: 'File of the HTTP log, one JSON object a line',
    schema: filePath,
  }),
  envOutputPath: setting({
    variable: 'ENV_OUTPUT_PATH',
    flag: '--env-output',
    argument: 'FILE',
    default: '/var/log/ebpf_http_env.yaml',
    meaning: 'File of the environment variables, one YAML document a process',
    schema: filePath,
  }),
  serviceMapPath: setting({
    variable: 'SERVICE_MAP_PATH',
    flag: '--service-map',
    argument: 'FILE',
    default: null,
    otherwise: 'no map',
    meaning: 'File of the service map, JSON',
    schema: filePath,
  }),
  envPrefixList: setting({
    variable: 'ENV_PREFIX_LIST',
    flag: '--env-prefix-list',
    argument: 'LIST',
    default: null,
    otherwise: 'every variable',
    meaning: 'Comma-separated prefixes of the environment variables to collect, case-sensitive',
    schema: prefixList,
  }),
  adiProfileAllowed: setting({
    variable: 'ADI_PROFILE_ALLOWED',
    flag: '--adi-profile-allowed',
    argument: 'LIST',
    default: null,
    otherwise: 'any value',
    meaning: 'Comma-separated values of ADI_PROFILE whose processes are profiled',
    schema: list,
  }),
  containerdSocket: setting({
    variable: 'CONTAINERD_SOCKET',
    flag: '--containerd-socket',
    argument: 'PATH',
    default: null,
    otherwise: 'containers are not named',
    meaning: 'Socket of containerd, Docker or podman, to name containers; not used yet in this version',
    schema: filePath,
  }),
  containerdNamespace: setting({
    variable: 'CONTAINERD_NAMESPACE',
    flag: '--containerd-namespace',
    argument: 'NAME',
    default: 'default',
    meaning: 'Namespace of containerd; not used yet in this version',
    schema: text,
  }),
  dataDir: setting({
    variable: 'SYSCRIBE_DATA_DIR',
    flag: '--data-dir',
    argument: 'FOLDER',
    default: '/var/lib/syscribe',
    meaning: 'Folder of the event log; readable by its owner only',
    schema: path,
  }),
  host: setting({
    variable: 'SYSCRIBE_HOST',
    flag: '--host',
    argument: 'NAME',
    default: null,
    otherwise: 'the host name',
    meaning: 'Name of this host in the records',
    schema: text,
  }),
  rawPayload: setting({
    variable: 'SYSCRIBE_RAW_PAYLOAD',
    flag: '--raw-payload',
    argument: '0|1',
    default: '1',
    meaning: 'Write raw_payload, the bytes as captured, into the HTTP log: 1 (true, yes, on) or 0 (false, no, off)',
    schema: onOff,
  }),
  captureLimit: setting({
    variable: 'SYSCRIBE_CAPTURE_LIMIT',
    flag: '--capture-limit',
    argument: 'BYTES',
    default: '1M',
    meaning: 'Bytes captured of one message at most; what is beyond is counted',
    schema: bytes.refine((size) => size >= 1024, 'must be 1K or more'),
  }),
  ringBytes: setting({
    variable: 'SYSCRIBE_RING_BYTES',
    flag: '--ring-bytes',
    argument: 'BYTES',
    default: '64M',
    meaning: 'Size of the ring between kernel and collector, a power of two',
    schema: bytes.refine(
      (size) => powerOfTwo(size) && size >= 64 * 1024 && size <= 1024 ** 3,
      'must be a power of two from 64K to 1G',
    ),
  }),
  queueBytes: setting({
    variable: 'SYSCRIBE_QUEUE_BYTES',
    flag: '--queue-bytes',
    argument: 'BYTES',
    default: '256M',
    meaning: 'Captured bytes that may wait in memory for the disk; beyond it they are dropped and counted',
    schema: bytes.refine((size) => size >= 1024 ** 2, 'must be 1M or more'),
  }),
  hooks: setting({
    variable: 'SYSCRIBE_HOOKS',
    flag: '--hooks',
    argument: 'KIND',
    default: 'auto',
    meaning: 'Kernel hooks: socket (kernel 6.3 and newer), syscall (5.15 and newer), auto chooses',
    schema: oneOf(['auto', 'socket', 'syscall']),
  }),
  logLevel: setting({
    variable: 'SYSCRIBE_LOG_LEVEL',
    flag: '--log-level',
    argument: 'LEVEL',
    default: 'info',
    meaning: 'Least level of the messages on stderr: trace, debug, info, warn, error, fatal, silent',
    schema: oneOf(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']),
  }),
  retentionBytes: setting({
    variable: 'SYSCRIBE_RETENTION_BYTES',
    flag: '--retention-bytes',
    argument: 'BYTES',
    default: '10G',
    meaning: 'Oldest records of a topic go while a partition of it is larger; 0 keeps all',
    schema: bytes.transform((size) => (size === 0 ? null : size)),
  }),
  retentionMs: setting({
    variable: 'SYSCRIBE_RETENTION_HOURS',
    flag: '--retention-hours',
    argument: 'HOURS',
    default: '168',
    meaning: 'Records older than this go; 0 keeps all',
    schema: wholeNumber.transform((hours) => (hours === 0 ? null : hours * 3_600_000)),
  }),
}
