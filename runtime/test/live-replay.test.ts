import { existsSync, readFileSync } from 'node:fs'
import { LogError } from '@syscribe/log'
import type { ProjectionStanding } from '@syscribe/schemas'
import { describe, expect, test } from 'vitest'
import { ControlTopic } from '../src/control-topic.js'
import { type AnyProcessor, currentLog, type ReplayProgress, stateTopicName } from '../src/index.js'
import { faultyLog } from './faulty-log.js'
import { expected, logger, outputs, processor, projection, replay2, start, system, topicsOf } from './live-system.js'
import { RawSource } from './raw-source.js'
import { atEnd, linesOf, testLog } from './test-log.js'
import { joiner, joiner2, namer } from './test-parts.js'

/** Reads nothing of what the joiner writes. */
const other = { ...namer(), name: 'other', outputs: [{ topic: 'connections', partition: 'input' }] } as AnyProcessor

describe('a processor is replayed while its live process and a projection’s go on', () => {
  test('all move over to the new generation, and the old one goes', async () => {
    const log = await testLog('memory')
    const { source, target, joining, lining } = await system(log)
    const before = readFileSync(target, 'utf8')
    expect(before).not.toContain('v2')
    await joining.close()
    const parser = await processor(log, joiner2())
    const seen: ReplayProgress[] = []
    const said: string[] = []
    const replay = replay2(log, {
      progress: (progress) => seen.push(progress),
      notice: (sentence) => said.push(sentence),
    })
    await source.append(100)
    await replay
    await source.append(20)
    await parser.drain()
    await lining.drain()
    const wanted = await expected(log, joiner2())
    expect(readFileSync(target, 'utf8')).toBe(wanted.file)
    expect(wanted.file.match(/v2/g)).toHaveLength(220)
    expect(await linesOf(await currentLog(log, logger), 'names')).toEqual(wanted.names)
    expect(await topicsOf(log)).toEqual(['joiner.2.state', 'names.2', stateTopicName('liner', target)].sort())
    expect(await log.committed('joiner')).toEqual([])
    expect(existsSync(`${target}.replay`)).toBe(false)
    expect(seen.length).toBeGreaterThan(1)
    for (const { records, of } of seen) expect(records).toBeLessThanOrEqual(of)
    expect(said).toEqual([])

    // The next one makes a third generation, beside the second.
    await replay2(log)
    expect(await topicsOf(log)).toEqual(['joiner.3.state', 'names.3', stateTopicName('liner', target)].sort())
    await source.append(20)
    await parser.drain()
    await lining.drain()
    expect(readFileSync(target, 'utf8')).toBe((await expected(log, joiner2())).file)
  })

  test('nothing is seen of it before all have caught up; a second call fences the first and goes on', async () => {
    const log = await testLog('memory')
    const { target, joining, lining } = await system(log)
    const before = readFileSync(target, 'utf8')
    // A projection that has stood up and says no more keeps the first call waiting.
    const control = await ControlTopic.open(log, logger)
    atEnd(() => control.close())
    const own = [...control.state.standings.values()][0] as ProjectionStanding
    await control.stand({ ...own, part: 'mute@nowhere', target: 'nowhere' })
    const first = replay2(log, { silentMs: 60_000 })
    const fenced = expect(first).rejects.toMatchObject({ code: 'fenced' })
    const caughtUp = async () => {
      const { generations, standings } = control.state
      const round = generations.round
      return round !== null && [...standings.values()].some(({ build }) => build?.caughtUp === round)
    }
    while (!(await caughtUp())) await control.changed(100)
    expect(readFileSync(target, 'utf8')).toBe(before)
    expect(control.state.generations.current).toEqual([])
    await expect(replay2(log, { processors: [joiner2(), other], name: 'other' })).rejects.toThrow(
      'the replay of joiner has not ended',
    )
    const said: string[] = []
    await replay2(log, { silentMs: 300, notice: (sentence) => said.push(sentence) })
    await fenced
    expect(said).toEqual([expect.stringContaining('liner into nowhere')])
    await joining.close()
    expect(await outputs(log, target, lining)).toEqual(await expected(log, joiner2()))
  })

  test('a projection that was away builds from the new generation when it is started again', async () => {
    const log = await testLog('memory')
    const { source, target, joining, lining } = await system(log)
    await lining.close()
    const before = readFileSync(target, 'utf8')
    const said: string[] = []
    await replay2(log, { notice: (sentence) => said.push(sentence) })
    expect(said).toEqual([expect.stringContaining('moves over when it is started again')])
    await source.append(10)
    await joining.close()
    expect(readFileSync(target, 'utf8')).toBe(before)
    expect(await outputs(log, target, null)).toEqual(await expected(log, joiner2()))
  })

  test('what it derives can be begun anew', async () => {
    const log = await testLog('memory')
    const { target, joining, lining } = await system(log)
    const stop = new AbortController()
    const first = replay2(log, { signal: stop.signal, progress: () => stop.abort(new Error('enough')) })
    await expect(first).rejects.toThrow('enough')
    expect(await topicsOf(log)).toContain('names.2')
    await replay2(log, { anew: true })
    expect(await topicsOf(log)).toEqual(['joiner.3.state', 'names.3', stateTopicName('liner', target)].sort())
    await joining.close()
    expect(await outputs(log, target, lining)).toEqual(await expected(log, joiner2()))
  })

  test('it can be given up: what counts stays as it is', async () => {
    const log = await testLog('memory')
    const { target, joining, lining } = await system(log)
    const before = readFileSync(target, 'utf8')
    const kept = await topicsOf(log)
    await expect(replay2(log, { cancel: true })).rejects.toThrow('no replay of joiner is under way')
    const stop = new AbortController()
    const interrupted = replay2(log, { signal: stop.signal, progress: () => stop.abort(new Error('enough')) })
    await expect(interrupted).rejects.toThrow('enough')
    await replay2(log, { cancel: true })
    // The projection lets go of what it has built when it hears of it.
    const deadline = performance.now() + 10_000
    while ((await topicsOf(log)).length > kept.length && performance.now() < deadline) await new Promise(setImmediate)
    expect(await topicsOf(log)).toEqual(kept)
    await joining.drain()
    await lining.drain()
    expect(readFileSync(target, 'utf8')).toBe(before)
    await replay2(log)
    await joining.close()
    expect(await outputs(log, target, lining)).toEqual(await expected(log, joiner2()))
  })

  test('brokers that are away for a moment are waited for', async () => {
    const log = await testLog('memory')
    const { target, joining, lining } = await system(log)
    // Once it is under way: what it needs to begin, it says when it is not there.
    let begun = false
    const away = new Set(['before describeTopics', 'before deleteTopic', 'before deleteGroup'])
    const leaving = faultyLog(log, (point) => {
      if (begun && away.delete(point)) throw new LogError('unavailable', 'the brokers are away')
    })
    const said: string[] = []
    await replay2(leaving, {
      notice: (sentence) => said.push(sentence),
      progress: () => {
        begun = true
      },
    })
    expect(away.size).toBe(0)
    expect(said).toEqual(Array(said.length).fill('the brokers are away: the replay waits'))
    expect(said.length).toBe(3)
    expect(await topicsOf(log)).toEqual(['joiner.2.state', 'names.2', stateTopicName('liner', target)].sort())
    await joining.close()
    expect(await outputs(log, target, lining)).toEqual(await expected(log, joiner2()))
  })

  test('a processor that is not there cannot be replayed', async () => {
    await expect(replay2(await testLog('memory'), { name: 'other' })).rejects.toMatchObject({ code: 'replay_invalid' })
  })
})

test('a live process that another has taken the place of ends, and says by what', async () => {
  const log = await testLog('memory')
  const { source, target, joining, lining } = await system(log, 10)
  const ends = [joining, lining].map((part) => expect(part.done).rejects.toMatchObject({ code: 'fenced' }))
  const others = [await processor(log, joiner() as AnyProcessor), await projection(log, target)]
  await source.append(10)
  await Promise.all(ends)
  for (const other of others) await other.drain()
  expect(await linesOf(log, 'names')).toEqual((await expected(log, joiner() as AnyProcessor)).names)
  await joining.close().catch(() => {})
  await lining.close().catch(() => {})
})

test('a member of a group whose partitions cannot be opened yet tries again', async () => {
  const log = await testLog('memory')
  await new RawSource(log).append(10)
  let faults = 2
  const unstable = faultyLog(log, (point) => {
    if (point === 'before committed' && faults > 0 && faults--) throw new LogError('unavailable', 'not stable yet')
  })
  const member = await start(unstable, { processors: [joiner() as AnyProcessor], partitions: 'group' })
  await member.drain()
  expect(faults).toBe(0)
  expect(await linesOf(log, 'names')).toEqual((await expected(log, joiner() as AnyProcessor)).names)
})
