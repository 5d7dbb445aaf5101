// What observation costs the observed and everyone else: with and without Syscribe in turn, median of the rounds' ratios.
// `overhead [rounds] [windows] [go|nginx|files|latency]`
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Syscribe } from '../harness/syscribe.js'
import { BenchPrograms } from './measure/bench-servers.js'
import { type Comparison, comparison, type Round, type Sample, sample } from './measure/calm.js'
import { pacedLoad, wrk } from './measure/load.js'
import { fixed, printTable } from './measure/table.js'

const rounds = Number(process.argv[2] ?? 8)
const windows = Number(process.argv[3] ?? 5)
const only = process.argv[4]
const profile = `bench-${process.pid}`
const programs = new BenchPrograms()
const optedIn = { ADI_PROFILE: profile }

/** What is measured, once it is set up: one window of about a second. */
interface Measurement {
  window(): Promise<number>
  close(): Promise<void>
}

/** Windows before those that count: Syscribe compiles its code as it meets it, once in its life. */
const compiling = 12
const settling = 3

/**
 * One server for all: what differs is Syscribe alone. The first seconds of each turn are not counted. Which of the two comes first changes from round to round.
 */
async function compare(open: () => Promise<Measurement>): Promise<Comparison> {
  const measurement = await open()
  const turn = async (warmUp: number) => {
    for (let warm = 0; warm < warmUp; warm++) await measurement.window()
    const samples: Sample[] = []
    for (let window = 0; window < windows; window++) samples.push(await sample(() => measurement.window()))
    return samples
  }
  const observed = async () => {
    const syscribe = await Syscribe.start({ ADI_PROFILE_ALLOWED: profile })
    try {
      return await turn(compiling)
    } finally {
      await syscribe.dispose()
    }
  }
  const done: Round[] = []
  try {
    for (let round = 0; round < rounds; round++) {
      if (round % 2 === 0) {
        const off = await turn(settling)
        done.push({ off, on: await observed() })
      } else {
        const on = await observed()
        done.push({ off: await turn(settling), on })
      }
    }
  } finally {
    await measurement.close()
  }
  return comparison(done)
}

async function throughput(kind: 'go' | 'nginx', env: Record<string, string>): Promise<Measurement> {
  const server = await programs[kind](env)
  return {
    window: async () => (await wrk(`http://127.0.0.1:${server.port}/`, 1, 64)).rate,
    close: () => server.stop(),
  }
}

async function latency(): Promise<Measurement> {
  const server = await programs.go(optedIn)
  const url = `http://127.0.0.1:${server.port}/`
  return {
    window: async () => (await pacedLoad(programs.load, { url, rate: 2_000, seconds: 1, connections: 16 })).p50Micros,
    close: () => server.stop(),
  }
}

/** CPU seconds of a loop of 1-byte reads and writes on files. */
async function fileLoop(): Promise<Measurement> {
  const source = join(programs.directory, 'file-loop.c')
  writeFileSync(
    source,
    `#include <fcntl.h>
     #include <stdio.h>
     #include <sys/resource.h>
     #include <unistd.h>
     int main(void) {
       int in = open("/dev/zero", O_RDONLY), out = open("/dev/null", O_WRONLY);
       char byte;
       for (int n = 0; n < 3000000; n++)
         if (read(in, &byte, 1) != 1 || write(out, &byte, 1) != 1) return 1;
       struct rusage u;
       getrusage(RUSAGE_SELF, &u);
       printf("%f\\n", u.ru_utime.tv_sec + u.ru_stime.tv_sec + (u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6);
     }`,
  )
  execFileSync('gcc', ['-O2', '-o', join(programs.directory, 'file-loop'), source])
  return {
    window: async () => Number(execFileSync(join(programs.directory, 'file-loop'), { encoding: 'utf8' })),
    close: async () => {},
  }
}

const measurements: [name: string, what: string, goal: string, open: () => Promise<Measurement>, digits: number][] = [
  ['go', 'profiled Go server at saturation, requests/s', 'at least 0.85', () => throughput('go', optedIn), 0],
  ['nginx', 'nginx that did not opt in, requests/s', 'at least 0.98', () => throughput('nginx', {}), 0],
  ['files', '1-byte reads and writes on files, CPU s', 'at most 1.01', fileLoop, 3],
  ['latency', 'p50 latency at 2,000/s, profiled Go, µs', 'at most 1.02', latency, 0],
]
const rows: Record<string, string | number>[] = []
try {
  for (const [name, what, goal, open, digits] of measurements) {
    if (only !== undefined && only !== name) continue
    const { off, on, ratio, quartiles, used } = await compare(open)
    rows.push({
      what,
      without: fixed(off, digits),
      with: fixed(on, digits),
      ratio: fixed(ratio, 3),
      quartiles: quartiles.map((each) => fixed(each, 3)).join(' to '),
      goal,
      'rounds used': used,
    })
  }
} finally {
  programs.remove()
}
printTable(`Cost to others, ${rounds} rounds of ${windows} windows of a second, with and without in turn`, rows)
