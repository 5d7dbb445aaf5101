// Of the exchanges a load generator saw answered, how many are in the outputs, one by one.
import { spawn } from 'node:child_process'
import type { Server } from '../harness/program.js'
import { Syscribe } from '../harness/syscribe.js'
import { BenchPrograms } from './measure/bench-servers.js'
import { countLines } from './measure/count-lines.js'
import { pacedLoad, wrk } from './measure/load.js'
import { fixed, printTable } from './measure/table.js'

const seconds = Number(process.argv[2] ?? 5)
const profile = `bench-${process.pid}`
const programs = new BenchPrograms()

type Kind = 'go' | 'nginx'

async function observed(kind: Kind, drive: (url: string) => Promise<number>) {
  const syscribe = await Syscribe.start({ ADI_PROFILE_ALLOWED: profile })
  let server: Server | undefined
  try {
    server = await programs[kind]({ ADI_PROFILE: profile, ADI_PROFILE_NAME: kind })
    const answered = await drive(`http://127.0.0.1:${server.port}/`)
    await server.stop()
    const code = await syscribe.stop()
    if (code !== 0) throw new Error(`syscribe ended with ${code}:\n${syscribe.stderr}`)
    return { answered, ...(await countLines(syscribe.outputs.httpLog)) }
  } finally {
    await server?.stop()
    await syscribe.dispose()
  }
}

function row(
  kind: Kind,
  load: string,
  { answered, requests, responses, incomplete }: Awaited<ReturnType<typeof observed>>,
) {
  // The generator stops without reading the last answers: what it did not count may be captured, never the reverse.
  const share = (seen: number) => fixed((100 * Math.min(seen, answered)) / answered, 3)
  return {
    server: kind,
    load,
    answered,
    'requests captured %': share(requests),
    'responses captured %': share(responses),
    incomplete,
  }
}

/** Copies a file in pieces of 4 KiB for as long as it lives, without opting in. */
function copyFiles() {
  const script = 'while :; do dd if=/bin/bash of=/dev/null bs=4k 2>/dev/null; done'
  const child = spawn('bash', ['-c', script], { stdio: 'ignore', detached: true })
  return () => process.kill(-(child.pid as number), 'SIGKILL')
}

const rows = []
try {
  for (const kind of ['go', 'nginx'] as const) {
    for (const rate of [5_000, 10_000, 20_000]) {
      const result = await observed(
        kind,
        async (url) => (await pacedLoad(programs.load, { url, rate, seconds, connections: 32 })).answered,
      )
      rows.push(row(kind, `${rate}/s`, result))
    }
    let rate = 0
    const most = await observed(kind, async (url) => {
      const result = await wrk(url, seconds, 64)
      rate = result.rate
      return result.answered
    })
    rows.push(row(kind, `wrk, ${Math.round(rate)}/s`, most))
  }
  const copying = await observed('go', async (url) => {
    const stop = copyFiles()
    try {
      return (await pacedLoad(programs.load, { url, rate: 500, seconds, connections: 8 })).answered
    } finally {
      stop()
    }
  })
  rows.push(row('go', '500/s beside a file copy in 4 KiB pieces', copying))
  const distinct = await observed(
    'go',
    async (url) =>
      (await pacedLoad(programs.load, { url, rate: 5_000, seconds, connections: 32, distinct: true })).answered,
  )
  rows.push(row('go', '5000/s, every request a new path', distinct))
} finally {
  programs.remove()
}
printTable('Messages captured of those answered', rows)
