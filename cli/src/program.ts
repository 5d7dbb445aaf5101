import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import type { Surroundings } from './surroundings.js'
import { addCollect } from './verbs/collect.js'
import { addDemo } from './verbs/demo.js'
import { addDerive } from './verbs/derive.js'
import { addDoctor } from './verbs/doctor.js'
import { addLog } from './verbs/log.js'
import { addNew } from './verbs/new.js'
import { addProcess } from './verbs/process.js'
import { addProject } from './verbs/project.js'
import { addReplay } from './verbs/replay.js'
import { addRun } from './verbs/run.js'
import { addStatus } from './verbs/status.js'
import { addTopics } from './verbs/topics.js'

/** What a verb gets to work with. */
export interface VerbContext {
  surroundings: Surroundings
  /** Ends the command with this code, without a message of its own. */
  exitWith(code: number): void
}

/** The command line: every verb with its help. */
export function createProgram(surroundings: Surroundings, exitWith: (code: number) => void): Command {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
  const program = new Command('syscribe')
    .description(
      'Syscribe watches what opted-in processes of this host (those with ADI_PROFILE in their environment) say on their sockets, and writes down what they depend on: every HTTP exchange, every database, cache and message bus, every environment variable, and the map of who calls whom.',
    )
    .version(version, '-V, --version', 'show the version')
    .helpOption('-h, --help', 'show this help')
    .helpCommand('help [verb]', 'show the help of a verb')
    .configureHelp({ helpWidth: Math.min(surroundings.stdout.columns, 120) })
    .configureOutput({
      writeOut: (text) => void surroundings.stdout.write(text).catch(() => {}),
      writeErr: (text) => void surroundings.stderr.write(text).catch(() => {}),
      outputError: (text, write) => write(text.replace(/^error: /, 'syscribe: ')),
    })
    .exitOverride()
    .addHelpText(
      'after',
      `
Start here:
  syscribe doctor                  can this machine capture; if not, why
  sudo syscribe run                watch until stopped; says 'ready' when on
  ADI_PROFILE=local ./my-service   a program that opts in to being watched
  syscribe log topics              what has been recorded
  syscribe status                  how every part is doing

On a Kafka cluster (--brokers), each part is a process of its own: syscribe
collect on every host, syscribe process and syscribe project anywhere.

Exit codes: 0 fine, 1 a fault, 2 bad usage or configuration; the latter two are
said on stderr.`,
    )
  const context: VerbContext = { surroundings, exitWith }
  for (const add of [
    addRun,
    addCollect,
    addProcess,
    addProject,
    addStatus,
    addTopics,
    addDoctor,
    addReplay,
    addDerive,
    addLog,
    addNew,
    addDemo,
  ])
    add(program, context)
  return program
}
