import type { Log } from '@syscribe/log'
import type { Logger } from 'pino'
import { ControlTopic } from './control-topic.js'
import { namesOf } from './generations.js'
import { RenamedLog } from './renamed-log.js'

/**
 * The log as its topics are named by everybody, each in the generation that counts now: for who looks once, not for who
 * goes on while generations change. Closing it leaves `log` open.
 * @throws LogError
 */
export async function currentLog(log: Log, logger: Logger): Promise<Log> {
  const { generations } = await ControlTopic.read(log, logger)
  return new RenamedLog(log, namesOf(generations.current))
}
