import { setImmediate } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { readCorpus } from './corpus.js'
import { fuzzStream } from './fuzz-stream.js'
import { mutate, random } from './mutate.js'

const { values } = parseArgs({
  options: { streams: { type: 'string', default: '1000000' }, seed: { type: 'string', default: '1' } },
})
const streams = Number(values.streams)
const seed = Number(values.seed)
/** No stream may take more CPU time than this, milliseconds. */
const slowest = 1000
/** No connection may take more memory than a few times what it was given, and this. */
const stateRoom = 64 * 1024

/** Bytes of memory the whole run may take. */
const mostResident = 512 * 2 ** 20

const corpus = readCorpus(new URL('../../../fixtures/', import.meta.url))
const all = corpus.flatMap(({ sent, received }) => [sent, received])
let messages = 0
let slow = 0
let largest = 0
const started = performance.now()
for (let stream = 0; stream < streams; stream++) {
  const next = random(seed * 0x10000000 + stream)
  const sample = corpus[stream % corpus.length] as (typeof corpus)[number]
  const sent = next() < 0.9 ? mutate(sample.sent, all, next) : sample.sent
  const received = next() < 0.9 ? mutate(sample.received, all, next) : sample.received
  const begun = process.cpuUsage()
  try {
    const outcome = fuzzStream(sent, received, next, stream % 16 === 0)
    messages += outcome.messages
    largest = Math.max(largest, outcome.stateBytes)
    if (outcome.stateBytes > stateRoom + 4 * (sent.length + received.length)) throw new Error('the state is too large')
    const { user, system } = process.cpuUsage(begun)
    const took = (user + system) / 1000
    slow = Math.max(slow, took)
    if (took > slowest) throw new Error(`took ${took.toFixed(0)} ms`)
  } catch (fault) {
    process.stderr.write(
      `stream ${stream} of seed ${seed} (${sample.name}): ${fault instanceof Error ? fault.stack : fault}\n`,
    )
    process.stderr.write(
      `sent ${JSON.stringify(sent.toString('latin1'))}\nreceived ${JSON.stringify(received.toString('latin1'))}\n`,
    )
    process.exit(1)
  }
  // zlib gives back its memory only between turns of the event loop.
  if (stream % 1000 === 999) await setImmediate()
  if (stream % 100_000 === 99_999) {
    const resident = process.memoryUsage().rss
    process.stdout.write(
      `${stream + 1} streams, ${messages} messages, ${Math.round(resident / 2 ** 20)} MiB resident\n`,
    )
    if (resident > mostResident) throw new Error('memory grows')
  }
}
const seconds = (performance.now() - started) / 1000
process.stdout.write(
  `${streams} streams in ${seconds.toFixed(0)} s: ${messages} messages, slowest ${slow.toFixed(0)} ms, largest state ${largest} bytes\n`,
)
