// What observation costs the observed and everyone else: with and without Syscribe in turn, medians of the rounds.
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Syscribe } from '../harness/syscribe.js'
import { BenchPrograms } from './measure/bench-servers.js'
import { calmMedian, type Sample, sample } from './measure/calm.js'
import { pacedLoad, wrk } from './measure/load.js'
import { fixed, printTable } from './measure/table.js'

const rounds = Number(process.argv[2] ?? 5)
const windows = Number(process.argv[3] ?? 4)
const profile = `bench-${process.pid}`
const programs = new BenchPrograms()
const optedIn = { ADI_PROFILE: profile }

/** What is measured, once it is set up: one window of about a second. */
interface Measurement {
  window(): Promise<number>
  close(): Promise<void>
}

/**
 * Measures with Syscribe and without, in turn. The first seconds of each turn are not counted: compilers of the observed
 * programs and of Syscribe's own warm up.
 */
async function compare(open: () => Promise<Measurement>): Promise<{ off: Sample[]; on: Sample[] }> {
  const samples: { off: Sample[]; on: Sample[] } = { off: [], on: [] }
  const turn = async (into: Sample[]) => {
    const measurement = await open()
    try {
      for (let warm = 0; warm < 3; warm++) await measurement.window()
      for (let window = 0; window < windows; window++) into.push(await sample(() => measurement.window()))
    } finally {
      await measurement.close()
    }
  }
  for (let round = 0; round < rounds; round++) {
    await turn(samples.off)
    const syscribe = await Syscribe.start({ ADI_PROFILE_ALLOWED: profile })
    try {
      await turn(samples.on)
    } finally {
      await syscribe.dispose()
    }
  }
  return samples
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
function fileLoop(): () => Promise<Measurement> {
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
  return async () => ({
    window: async () => Number(execFileSync(join(programs.directory, 'file-loop'), { encoding: 'utf8' })),
    close: async () => {},
  })
}

const rows: Record<string, string | number>[] = []
function add(what: string, goal: string, samples: { off: Sample[]; on: Sample[] }, digits: number) {
  const [off, on] = [calmMedian(samples.off), calmMedian(samples.on)]
  rows.push({
    what,
    without: fixed(off.value, digits),
    with: fixed(on.value, digits),
    ratio: fixed(on.value / off.value, 3),
    goal,
    'windows used': `${off.of}, ${on.of}`,
  })
}

try {
  add(
    'profiled Go server at saturation, requests/s',
    'at least 0.85',
    await compare(() => throughput('go', optedIn)),
    0,
  )
  add('nginx that did not opt in, requests/s', 'at least 0.98', await compare(() => throughput('nginx', {})), 0)
  add('1-byte reads and writes on files, CPU s', 'at most 1.01', await compare(fileLoop()), 3)
  add('p50 latency at 2,000/s, profiled Go, µs', 'at most 1.02', await compare(latency), 0)
} finally {
  programs.remove()
}
printTable(`Cost to others, medians of windows of a second, ${rounds} rounds in turn`, rows)
