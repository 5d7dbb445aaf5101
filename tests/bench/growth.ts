// How capture and cost grow with connections, body size, processes and distinct paths.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { Syscribe } from '../harness/syscribe.js'
import { BenchPrograms } from './measure/bench-servers.js'
import { caughtUp } from './measure/caught-up.js'
import { type LoadOptions, pacedLoad } from './measure/load.js'
import { processCost } from './measure/process-cost.js'
import { fixed, printTable } from './measure/table.js'

const execute = promisify(execFile)
const seconds = Number(process.argv[2] ?? 5)
const profile = `bench-${process.pid}`
const programs = new BenchPrograms()

interface Measured {
  answered: number
  captured: number
  cpuMicros: number
  peakMiB: number
}

/** Drives a profiled server; waits until everything is in the outputs. */
async function measured(drive: (url: string) => Promise<number>): Promise<Measured> {
  const syscribe = await Syscribe.start({ ADI_PROFILE_ALLOWED: profile, SYSCRIBE_CAPTURE_LIMIT: `${8 << 20}` })
  try {
    const server = await programs.go({ ADI_PROFILE: profile, ADI_PROFILE_NAME: 'go' })
    const pid = syscribe.child.pid as number
    const before = processCost(pid)
    const answered = await drive(`http://127.0.0.1:${server.port}/`)
    await server.stop()
    const { requests, responses } = await caughtUp(syscribe.outputs.httpLog, answered)
    const after = processCost(pid)
    return {
      answered,
      captured: Math.min(requests, responses, answered),
      cpuMicros: (1e6 * (after.cpuSeconds - before.cpuSeconds)) / answered,
      peakMiB: after.peakMiB,
    }
  } finally {
    await syscribe.dispose()
  }
}

const rows: Record<string, string | number>[] = []
function add(grows: string, size: string, { answered, captured, cpuMicros, peakMiB }: Measured) {
  rows.push({
    grows,
    size,
    exchanges: answered,
    'captured %': fixed((100 * captured) / answered, 3),
    'µs CPU per exchange': fixed(cpuMicros, 1),
    'peak MiB': fixed(peakMiB, 0),
  })
}

const paced = (options: Omit<LoadOptions, 'url' | 'seconds'>) => async (url: string) =>
  (await pacedLoad(programs.load, { url, seconds, ...options })).answered

try {
  for (const connections of [10, 1_000, 10_000]) {
    add('connections', `${connections}`, await measured(paced({ rate: 5_000, connections })))
  }
  for (const [bytes, rate] of [
    [100, 2_000],
    [10_000, 2_000],
    [1_000_000, 100],
    [5_000_000, 20],
  ] as const) {
    add('body size, both ways', `${bytes} B`, await measured(paced({ rate, connections: 10, body: bytes })))
  }
  for (const processes of [10, 1_000]) {
    const curls = async (url: string) => {
      const script = 'for n in $(seq $2); do curl -s -o /dev/null "$1" & [ $((n % 20)) = 0 ] && wait; done; wait'
      const env = { PATH: process.env.PATH ?? '', ADI_PROFILE: profile, ADI_PROFILE_NAME: 'curl' }
      await execute('bash', ['-c', script, 'bash', url, `${processes}`], { env })
      return processes
    }
    add('processes, each one request', `${processes}`, await measured(curls))
  }
  for (const paths of [10, 100_000]) {
    const rate = 5_000
    const distinct = paths > 10
    const drive = async (url: string) =>
      (
        await pacedLoad(programs.load, {
          url,
          rate,
          seconds: distinct ? paths / rate : seconds,
          connections: 32,
          distinct,
        })
      ).answered
    add('distinct paths', `${distinct ? paths : 1}`, await measured(drive))
  }
} finally {
  programs.remove()
}
printTable('Growth', rows)
