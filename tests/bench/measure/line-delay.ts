import { Outputs } from '../../harness/syscribe.js'
import type { BenchPrograms } from './bench-servers.js'
import { sample } from './calm.js'
import { startAll } from './chain-rate.js'
import { costOfAll, lookUntil } from './cost-of-all.js'
import { FileTail } from './file-tail.js'
import { pacedLoad } from './load.js'
import { processCost } from './process-cost.js'

export interface LineDelay {
  answered: number
  /** Milliseconds from the system call to the line in the file. */
  p50: number
  p99: number
  most: number
  /** CPU of each command an exchange, microseconds. */
  micros: number[]
  brokerMicros: number
  /** Share of the processors' time that the host of this virtual machine took meanwhile, 0 to 1. */
  stolen: number
}

/** How often the file is looked at: what a delay may be overstated by, milliseconds. */
const lookMs = 5
/** One line in so many is taken; a prime, so that requests and responses come alike. */
const oneIn = 7
/** Load before the clock runs, seconds: compilers warm up, the broker's too. */
const warmSeconds = 15

/**
 * How long after its system call a message's line is in the HTTP log, under a paced load on the Go server.
 * @param commands all parts, each a process
 */
export async function lineDelay(
  programs: BenchPrograms,
  commands: readonly string[][],
  env: Record<string, string>,
  load: { rate: number; seconds: number },
  brokerPid: number | undefined,
): Promise<LineDelay> {
  const outputs = new Outputs()
  const parts = await startAll(commands, { ...env, ...outputs.environment })
  const server = await programs.go({ ADI_PROFILE: `bench-${process.pid}`, ADI_PROFILE_NAME: 'go' })
  const tail = new FileTail(outputs.httpLog)
  try {
    const url = `http://127.0.0.1:${server.port}/`
    const connections = 32
    const delays: number[] = []
    let measuring = false
    const look = () => {
      const now = performance.timeOrigin + performance.now()
      tail.look((line) => {
        if (measuring && tail.lines % oneIn === 0) delays.push(now - timeOf(line))
      })
    }
    const timer = setInterval(look, lookMs)
    try {
      const caughtUp = (exchanges: number) =>
        lookUntil(
          () => tail.lines >= 2 * exchanges,
          50,
          () => `${tail.lines} lines of ${exchanges} exchanges\n${parts.map(({ stderr }) => stderr).join('')}`,
        )
      const warm = await pacedLoad(programs.load, { url, rate: load.rate, seconds: warmSeconds, connections })
      await caughtUp(warm.answered)
      const costs = () => parts.map(({ child }) => processCost(child.pid as number).cpuSeconds)
      const broker = brokerPid === undefined ? [] : [brokerPid]
      const [before, brokerBefore] = [costs(), costOfAll(broker)]
      measuring = true
      const { value: answered, stolen } = await sample(async () => {
        const { answered } = await pacedLoad(programs.load, { url, ...load, connections })
        await caughtUp(warm.answered + answered)
        return answered
      })
      const micros = costs().map((seconds, index) => (1e6 * (seconds - (before[index] ?? 0))) / answered)
      const brokerMicros = (1e6 * (costOfAll(broker) - brokerBefore)) / answered
      delays.sort((a, b) => a - b)
      const quantile = (q: number) => delays[Math.floor(q * (delays.length - 1))] ?? Number.NaN
      return { answered, p50: quantile(0.5), p99: quantile(0.99), most: quantile(1), micros, brokerMicros, stolen }
    } finally {
      clearInterval(timer)
    }
  } finally {
    tail.close()
    await server.stop()
    await Promise.all(parts.map((part) => part.kill9()))
    outputs.remove()
  }
}

const timestampField = Buffer.from('"timestamp":"')

/** When a line's message began, milliseconds since the Unix epoch. */
function timeOf(line: Buffer): number {
  const start = line.indexOf(timestampField) + timestampField.length
  return Date.parse(line.toString('latin1', start, line.indexOf('"', start)))
}
