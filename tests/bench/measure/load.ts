import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const execute = promisify(execFile)

export interface LoadResult {
  sent: number
  answered: number
  seconds: number
  p50Micros: number
  p99Micros: number
}

export interface LoadOptions {
  url: string
  /** Requests a second in all; 0 = as fast as they are answered. */
  rate: number
  seconds: number
  connections: number
  /** Every request a path of its own. */
  distinct?: boolean
  /** Bytes of the request's body, which the server sends back; without: GET. */
  body?: number
}

/** Load by the paced generator of tests/programs/go/load, which counts what it saw answered. */
export async function pacedLoad(program: string, options: LoadOptions): Promise<LoadResult> {
  const { url, rate, seconds, connections, distinct, body } = options
  const args = [url, `${rate}`, `${seconds}`, `${connections}`, distinct ? '1' : '0', `${body ?? 0}`]
  const { stdout } = await execute(program, args, { env: { PATH: process.env.PATH ?? '' } })
  return JSON.parse(stdout)
}

/** The most that wrk can drive: requests answered, and a second. */
export async function wrk(
  url: string,
  seconds: number,
  connections: number,
): Promise<{ answered: number; rate: number }> {
  const args = ['-t1', `-c${connections}`, `-d${seconds}s`, url]
  const { stdout } = await execute('wrk', args, { env: { PATH: process.env.PATH ?? '' } })
  const answered = Number(/(\d+) requests in/.exec(stdout)?.[1])
  const rate = Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1])
  if (!(answered > 0)) throw new Error(`wrk did not say what it saw answered:\n${stdout}`)
  return { answered, rate }
}
