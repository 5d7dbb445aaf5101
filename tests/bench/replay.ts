// Replay from raw log to the three files, against `tshark -T json` reading a capture of the same traffic: exchanges a
// second of one core's time.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { Outputs, Syscribe } from '../harness/syscribe.js'
import { syscribeBin } from '../harness/syscribe-process.js'
import { BenchPrograms } from './measure/bench-servers.js'
import { commandCost } from './measure/command-cost.js'
import { countLines } from './measure/count-lines.js'
import { pacedLoad } from './measure/load.js'
import { median } from './measure/median.js'
import { fixed, printTable } from './measure/table.js'

const rounds = Number(process.argv[2] ?? 3)
const seconds = Number(process.argv[3] ?? 20)
const rate = 8_000
const profile = `bench-${process.pid}`
const programs = new BenchPrograms()
const packets = join(programs.directory, 'traffic.pcap')

const syscribe = await Syscribe.start({ ADI_PROFILE_ALLOWED: profile })
try {
  const server = await programs.go({ ADI_PROFILE: profile, ADI_PROFILE_NAME: 'go' })
  const filter = `tcp port ${server.port}`
  const args = ['-q', '-i', 'lo', '-B', '64', '-f', filter, '-P', '-w', packets]
  const dumpcap = spawn('dumpcap', args, { stdio: 'ignore' })
  const dumped = once(dumpcap, 'exit')
  await wait(1000)
  const url = `http://127.0.0.1:${server.port}/`
  const { answered } = await pacedLoad(programs.load, { url, rate, seconds, connections: 16 })
  await wait(1000)
  if (!dumpcap.kill('SIGINT')) throw new Error('dumpcap ended before the traffic did')
  await dumped
  await server.stop()
  const code = await syscribe.stop()
  if (code !== 0) throw new Error(`syscribe ended with ${code}:\n${syscribe.stderr}`)

  const figures = { replay: [] as number[], tshark: [] as number[], replayWall: [] as number[] }
  for (let round = 0; round < rounds; round++) {
    const derived = new Outputs()
    try {
      const files = ['--output', derived.httpLog, '--env-output', derived.envYaml, '--service-map', derived.serviceMap]
      const args = ['derive', '--data-dir', syscribe.outputs.dataDir, ...files]
      const replay = await commandCost(syscribeBin, args)
      const { requests, responses } = await countLines(derived.httpLog)
      if (requests < answered || responses < answered)
        throw new Error(`replay gave ${requests} and ${responses} of ${answered}`)
      figures.replay.push(answered / replay.cpuSeconds)
      figures.replayWall.push(answered / replay.wallSeconds)
    } finally {
      derived.remove()
    }
    const tshark = await commandCost('tshark', ['-T', 'json', '-r', packets, '-d', `tcp.port==${server.port},http`])
    figures.tshark.push(answered / tshark.cpuSeconds)
  }
  const [ours, theirs] = [median(figures.replay), median(figures.tshark)]
  printTable(`Replay of ${answered} exchanges, medians of ${rounds} rounds in turn`, [
    {
      what: 'syscribe derive, start of the program included',
      'exchanges per CPU second': fixed(ours, 0),
      ratio: fixed(ours / theirs, 1),
    },
    { what: 'tshark -T json', 'exchanges per CPU second': fixed(theirs, 0), ratio: '1.0' },
  ])
} finally {
  await syscribe.dispose()
  programs.remove()
}
