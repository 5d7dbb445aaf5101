// What observation costs the observed and everyone else: with and without Syscribe in turn, medians of the rounds.
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Syscribe } from '../harness/syscribe.js'
import { BenchPrograms } from './measure/bench-servers.js'
import { pacedLoad, wrk } from './measure/load.js'
import { median } from './measure/median.js'
import { fixed, printTable } from './measure/table.js'

const rounds = Number(process.argv[2] ?? 5)
const seconds = Number(process.argv[3] ?? 4)
const profile = `bench-${process.pid}`
const programs = new BenchPrograms()
const optedIn = { ADI_PROFILE: profile }

/** Runs a measurement with Syscribe and without, in turn; the ratio of the medians. */
async function compare(measure: () => Promise<number>) {
  const figures: { off: number[]; on: number[] } = { off: [], on: [] }
  await measure()
  for (let round = 0; round < rounds; round++) {
    figures.off.push(await measure())
    const syscribe = await Syscribe.start({ ADI_PROFILE_ALLOWED: profile })
    try {
      figures.on.push(await measure())
    } finally {
      await syscribe.dispose()
    }
  }
  return { off: median(figures.off), on: median(figures.on) }
}

async function throughput(kind: 'go' | 'nginx', env: Record<string, string>) {
  const server = await programs[kind](env)
  try {
    return (await wrk(`http://127.0.0.1:${server.port}/`, seconds, 64)).rate
  } finally {
    await server.stop()
  }
}

async function latency() {
  const server = await programs.go(optedIn)
  try {
    const url = `http://127.0.0.1:${server.port}/`
    return (await pacedLoad(programs.load, { url, rate: 2_000, seconds, connections: 16 })).p50Micros
  } finally {
    await server.stop()
  }
}

/** CPU seconds of a loop of 1-byte reads and writes on files. */
function fileLoop(): () => Promise<number> {
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
  return async () => Number(execFileSync(join(programs.directory, 'file-loop'), { encoding: 'utf8' }))
}

const rows: Record<string, string | number>[] = []
function add(what: string, goal: string, { off, on }: { off: number; on: number }, digits: number) {
  rows.push({ what, without: fixed(off, digits), with: fixed(on, digits), ratio: fixed(on / off, 3), goal })
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
printTable(`Cost to others, medians of ${rounds} rounds in turn`, rows)
