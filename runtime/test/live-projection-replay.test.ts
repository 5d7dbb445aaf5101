import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ProjectionStanding } from '@syscribe/schemas'
import { describe, expect, test } from 'vitest'
import { ControlTopic } from '../src/control-topic.js'
import type { AnyProcessor, AnyProjectionTask, ReplayProgress } from '../src/index.js'
import { ask, expected, logger, outputs, projection, replay2, settings, start, system } from './live-system.js'
import { RawSource } from './raw-source.js'
import { atEnd, testFolder, testLog } from './test-log.js'
import { joiner, joiner2, liner } from './test-parts.js'

describe('a projection is replayed by the process that writes it', () => {
  test('beside its output, and swapped in', async () => {
    const log = await testLog('memory')
    const { source, target, joining, lining } = await system(log)
    const seen: ReplayProgress[] = []
    const replay = ask(log, { progress: (progress) => seen.push(progress) })
    await source.append(50)
    await replay
    await joining.drain()
    await lining.drain()
    const wanted = await expected(log, joiner() as AnyProcessor)
    expect(readFileSync(target, 'utf8')).toBe(wanted.file)
    expect(existsSync(`${target}.replay`)).toBe(false)
    expect(seen.length).toBeGreaterThan(0)
    await ask(log, { from: { time: 1100 }, target })
    await lining.close()
    expect(readFileSync(target, 'utf8')).toBe(wanted.file.slice(wanted.file.indexOf('50+50')))
  })

  test('who asks may die: the next one waits for the same replay', async () => {
    const log = await testLog('memory')
    const { target, lining, joining } = await system(log)
    const wanted = readFileSync(target, 'utf8')
    await lining.close()
    writeFileSync(target, 'spoilt\n')
    const control = await ControlTopic.open(log, logger)
    atEnd(() => control.close())
    const [own] = [...control.state.standings.values()] as [ProjectionStanding]
    await control.stand({ ...own, running: true })
    const first = ask(log, { answerMs: 200 })
    await expect(first).rejects.toMatchObject({
      code: 'replay_unanswered',
      message: expect.stringMatching(/does not answer.*syscribe project liner/),
    })
    const asked = control.state.requests.get(own.part)
    await projection(log, target)
    await ask(log)
    expect(control.state.requests.get(own.part)).toEqual(asked)
    await joining.close()
    expect(readFileSync(target, 'utf8')).toBe(wanted)
  })

  test('one of a group is told apart from one that writes the same target elsewhere', async () => {
    const log = await testLog('memory')
    await new RawSource(log).append(5)
    const target = join(testFolder(), 'lines')
    await start(log, { projections: [{ projection: liner(), target, settings } as AnyProjectionTask], group: 'east' })
    await ask(log)
    const control = await ControlTopic.open(log, logger)
    atEnd(() => control.close())
    expect([...control.state.standings.keys()]).toEqual([`east.liner@${target}`])
  })

  test('nobody runs it, or several do: the error says what to do', async () => {
    const log = await testLog('memory')
    await expect(ask(log)).rejects.toMatchObject({
      code: 'replay_unanswered',
      message: 'no process runs liner: start it with syscribe project liner, then replay',
    })
    const { lining, target } = await system(log, 5)
    const second = await projection(log, `${target}.2`)
    await expect(ask(log)).rejects.toMatchObject({ code: 'replay_invalid', message: expect.stringContaining(target) })
    await second.close()
    await lining.close()
    await expect(ask(log)).rejects.toMatchObject({
      code: 'replay_unanswered',
      message: expect.stringContaining(`last wrote ${target} on host`),
    })
  })

  test('a replay of the processor that comes meanwhile wins', async () => {
    const log = await testLog('memory')
    const { target, lining, joining } = await system(log)
    await Promise.all([replay2(log), ask(log)])
    await joining.close()
    expect(await outputs(log, target, lining)).toEqual(await expected(log, joiner2()))
  })
})
