import { type Interpreter, interpreterOf } from './interpreters.js'

export interface ProgramName {
  name: string
  kind: 'script' | 'program'
}

/**
 * The name of what a process runs, from its arguments: the script, module, archive or class an interpreter was given,
 * else the program. Folders are left off.
 *
 * @param args the arguments, the program first (/proc/<pid>/cmdline).
 * @param comm task_struct.comm, used when there are no arguments.
 */
export function programName(args: readonly string[], comm: string): ProgramName {
  const program = programOf(args[0] ?? '', args.length, comm)
  return scriptOf(program, args, 1) ?? { name: program, kind: 'program' }
}

/** Arguments behind `from` of the interpreter `program`, resolved through interpreters that run interpreters. */
function scriptOf(program: string, args: readonly string[], from: number): ProgramName | null {
  const interpreter = interpreterOf(program)
  if (interpreter === null) return null
  const found = firstOperand(interpreter, args, from)
  if (found === null) return null
  if (found.exact) return { name: found.text, kind: 'script' }
  const name = basename(found.text)
  if (!/[\p{L}\p{N}]/u.test(name)) return null
  if (name === '__main__.py') return { name: parentName(found.text) ?? name, kind: 'script' }
  return scriptOf(name, args, found.next) ?? { name, kind: interpreter.runsPrograms === true ? 'program' : 'script' }
}

interface Operand {
  text: string
  /** Not a path: a module or class, taken as it is. */
  exact: boolean
  /** Index of the argument behind it. */
  next: number
}

function firstOperand(interpreter: Interpreter, args: readonly string[], from: number): Operand | null {
  let index = from
  while (index < args.length) {
    const arg = args[index] as string
    index++
    if (arg === '--') return operandAt(args, index)
    if (arg === '-' || arg === '') return null
    const isOption = arg.startsWith('-') || (interpreter.plusOptions === true && arg.startsWith('+'))
    if (!isOption) {
      if (interpreter.subcommands?.has(arg) === true) continue
      if (interpreter.ignoredPrefix !== undefined && arg.startsWith(interpreter.ignoredPrefix)) continue
      return { text: arg, exact: interpreter.exact?.(arg) === true, next: index }
    }
    const option = readOption(interpreter, arg, args[index])
    index += option.taken
    if (option.names === 'nothing') return null
    if (option.names === 'script') {
      return option.value === null ? null : { text: option.value, exact: option.exact, next: index }
    }
  }
  return null
}

function operandAt(args: readonly string[], index: number): Operand | null {
  const text = args[index]
  return text === undefined || text === '' ? null : { text, exact: false, next: index + 1 }
}

interface Option {
  /** Further arguments it consists of. */
  taken: 0 | 1
  /** What it says of the script: which it is, that there is none, or neither. */
  names: 'script' | 'nothing' | null
  value: string | null
  exact: boolean
}

const other: Option = { taken: 0, names: null, value: null, exact: false }

function readOption(interpreter: Interpreter, arg: string, following: string | undefined): Option {
  const equals = arg.indexOf('=')
  const word = equals > 0 ? arg.slice(0, equals) : arg
  const attached = equals > 0 ? arg.slice(equals + 1) : null
  const meaning = interpreter.options[word]
  if (meaning !== undefined) {
    if (meaning === 'none') return { ...other, names: 'nothing' }
    const value = attached ?? following ?? null
    const taken = attached === null ? 1 : 0
    if (meaning === 'value') return { ...other, taken }
    return moduleOrFile(meaning, value, taken)
  }
  if (interpreter.clusters !== true || arg.startsWith('--')) return other
  // Short options in one word, as in `python -um module` and `perl -we code`.
  for (let at = 1; at < arg.length; at++) {
    const letter = interpreter.options[`${arg[0]}${arg[at]}`]
    if (letter === undefined) continue
    if (letter === 'none') return { ...other, names: 'nothing' }
    const rest = arg.slice(at + 1)
    const taken = rest === '' ? 1 : 0
    if (letter === 'value') return { ...other, taken }
    return moduleOrFile(letter, rest === '' ? (following ?? null) : rest, taken)
  }
  return other
}

function moduleOrFile(meaning: 'module' | 'file' | 'java-module', value: string | null, taken: 0 | 1): Option {
  const named = meaning === 'java-module' && value !== null ? value.slice(value.indexOf('/') + 1) : value
  return { taken, names: 'script', value: named, exact: meaning !== 'file' }
}

/**
 * The program of the first argument. Programs that show a title in `ps` write it over their arguments, as one string:
 * `nginx: worker process`, `redis-server *:6379`; a login shell has `-` before its name.
 */
function programOf(first: string, count: number, comm: string): string {
  const text = first.trim()
  if (text === '') return comm
  const whole = basename(text)
  if (!text.includes(' ')) return trimTitle(whole) || comm
  // A path with spaces in it, not a title.
  if (comm !== '' && whole.startsWith(comm) && (whole === comm || comm.length === 15)) return whole
  if (count > 1 && text.startsWith('/')) return whole
  return trimTitle(basename(text.slice(0, text.indexOf(' ')))) || comm
}

function trimTitle(word: string): string {
  return word.replace(/^[-[(]+/, '').replace(/[\]):]+$/, '')
}

function basename(path: string): string {
  const trimmed = path.replace(/[/\\]+$/, '')
  return trimmed.slice(Math.max(trimmed.lastIndexOf('/'), trimmed.lastIndexOf('\\')) + 1)
}

function parentName(path: string): string | null {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.')
  return parts.at(-2) ?? null
}
