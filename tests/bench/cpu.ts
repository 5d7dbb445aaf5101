// Syscribe's own CPU per exchange, all the way to the three files and durable, and its peak memory.
import { Syscribe } from '../harness/syscribe.js'
import { BenchPrograms } from './measure/bench-servers.js'
import { caughtUp } from './measure/caught-up.js'
import { pacedLoad } from './measure/load.js'
import { processCost } from './measure/process-cost.js'
import { fixed, printTable } from './measure/table.js'
import { touchMemory } from './measure/touch-memory.js'

const seconds = Number(process.argv[2] ?? 15)
const profile = `bench-${process.pid}`
const programs = new BenchPrograms()

const rows = []
await touchMemory()
try {
  for (const kind of ['go', 'nginx'] as const) {
    for (const rate of [2_000, 10_000]) {
      const syscribe = await Syscribe.start({ ADI_PROFILE_ALLOWED: profile })
      try {
        const server = await programs[kind]({ ADI_PROFILE: profile, ADI_PROFILE_NAME: kind })
        const url = `http://127.0.0.1:${server.port}/`
        // Compilation is paid once, not per exchange.
        const warm = await pacedLoad(programs.load, { url, rate, seconds: 8, connections: 32 })
        await caughtUp(syscribe.outputs.httpLog, warm.answered)
        const before = processCost(syscribe.child.pid as number)
        const { answered } = await pacedLoad(programs.load, { url, rate, seconds, connections: 32 })
        const { requests, responses } = await caughtUp(syscribe.outputs.httpLog, warm.answered + answered)
        if (Math.min(requests, responses) < warm.answered + answered)
          throw new Error(`${requests} requests, ${responses} responses`)
        const after = processCost(syscribe.child.pid as number)
        rows.push({
          server: kind,
          rate: `${rate}/s`,
          exchanges: answered,
          'µs CPU per exchange': fixed((1e6 * (after.cpuSeconds - before.cpuSeconds)) / answered, 1),
          'peak MiB': fixed(after.peakMiB, 0),
        })
        await server.stop()
      } finally {
        await syscribe.dispose()
      }
    }
  }
} finally {
  programs.remove()
}
printTable('CPU per exchange (two messages), goal 25 µs at 10,000/s', rows)
