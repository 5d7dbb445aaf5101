/**
 * What an option of an interpreter means for the search of the script.
 * - `value`: it takes a value, in the same argument or the next.
 * - `none`: the code is in the arguments or on standard input; there is no script to name the process after.
 * - `file`, `module`: its value is the script, a path or a name to be taken as it is; `java-module` is `module[/class]`.
 */
export type OptionMeaning = 'value' | 'none' | 'file' | 'module' | 'java-module'

export interface Interpreter {
  /** By the option as written, without its value. */
  options: Record<string, OptionMeaning>
  /** Short options may stand in one word. */
  clusters?: boolean
  /** Options may begin with `+`. */
  plusOptions?: boolean
  /** Words before the script that are none. */
  subcommands?: ReadonlySet<string>
  /** Arguments beginning so are none. */
  ignoredPrefix?: string
  /** Whether an operand is a class or module rather than a path. */
  exact?: (operand: string) => boolean
  /** What it runs is a program of its own, not a script. */
  runsPrograms?: boolean
}

const values = (...names: string[]): Record<string, OptionMeaning> =>
  Object.fromEntries(names.map((name) => [name, 'value' as const]))
const none = (...names: string[]): Record<string, OptionMeaning> =>
  Object.fromEntries(names.map((name) => [name, 'none' as const]))

const python: Interpreter = {
  options: { ...values('-W', '-X', '-Q', '--check-hash-based-pycs'), ...none('-c'), '-m': 'module' },
  clusters: true,
}
const node: Interpreter = {
  options: {
    ...values('-r', '--require', '--import', '--loader', '--experimental-loader', '-C', '--conditions', '--title'),
    ...values(
      '--env-file-if-exists',
      '--env-file',
      '--watch-path',
      '--input-type',
      '--icu-data-dir',
      '--stack-trace-limit',
    ),
    ...values(
      '--openssl-config',
      '--diagnostic-dir',
      '--redirect-warnings',
      '--trace-event-categories',
      '--localstorage-file',
    ),
    ...none('-e', '--eval', '-p', '--print', '-pe', '-i', '--interactive', '--run'),
  },
  subcommands: new Set(['inspect', 'debug']),
}
/** Programs that hand a script to Node. */
const nodeLauncher: Interpreter = {
  options: { ...node.options, ...values('-P', '--project', '--tsconfig', '-w', '--ext', '-x', '--exec', '-O') },
  subcommands: new Set(['watch']),
}
const deno: Interpreter = {
  options: {
    ...values('--config', '-c', '--import-map', '--lock', '--cert', '--location', '--seed', '--port', '--host'),
  },
  subcommands: new Set(['run', 'serve', 'watch']),
}
const bun: Interpreter = {
  options: { ...values('-r', '--preload', '--cwd', '-c', '--config', '--env-file', '--define', '--loader', '--port') },
  subcommands: new Set(['run']),
}
for (const interpreter of [deno, bun]) Object.assign(interpreter.options, none('-e', '--eval', '-p', '--print'))
const java: Interpreter = {
  options: {
    ...values('-cp', '-classpath', '--class-path', '-p', '--module-path', '--upgrade-module-path', '--add-modules'),
    ...values('--add-opens', '--add-exports', '--add-reads', '--limit-modules', '--patch-module', '--source'),
    ...values('--enable-native-access', '--describe-module', '-d', '--finalization'),
    '-jar': 'file',
    '-m': 'java-module',
    '--module': 'java-module',
  },
  ignoredPrefix: '@',
  exact: (operand) => !/[/\\]|\.java$/.test(operand),
}
const ruby: Interpreter = {
  options: { ...values('-I', '-r', '-C', '-E', '-K', '-T', '--encoding', '--require'), ...none('-e') },
  clusters: true,
}
const perl: Interpreter = { options: { ...values('-I', '-M', '-m', '-F', '-C'), ...none('-e', '-E') }, clusters: true }
const php: Interpreter = {
  options: {
    ...values('-d', '-c', '-S', '-t', '-z', '--define', '--php-ini', '--server', '--docroot'),
    ...none('-r', '-B', '-R', '-E', '--run'),
    '-f': 'file',
    '--file': 'file',
  },
}
const shell: Interpreter = {
  options: { ...values('-o', '+o', '-O', '+O', '--rcfile', '--init-file'), ...none('-c', '-s') },
  clusters: true,
  plusOptions: true,
}
const dotnet: Interpreter = {
  options: { ...values('--runtimeconfig', '--depsfile', '--additionalprobingpath', '--fx-version', '--roll-forward') },
  subcommands: new Set(['exec']),
}
const powershell: Interpreter = {
  options: { ...none('-Command', '-c', '-EncodedCommand'), '-File': 'file', '-f': 'file' },
}
/** The first operand is the script. */
const plain: Interpreter = { options: none('-e') }
/** The first operand is a program: BusyBox and the dynamic linker called by name. */
const runner: Interpreter = {
  options: { ...values('--library-path', '--preload', '--argv0', '--audit') },
  runsPrograms: true,
}

const byName: [RegExp, Interpreter][] = [
  [/^(python|pypy)[\d.]*t?$/, python],
  [/^(node|nodejs)\d*$/, node],
  [/^(tsx|ts-node|ts-node-dev|ts-node-esm|nodemon|babel-node|vite-node)$/, nodeLauncher],
  [/^deno$/, deno],
  [/^bun$/, bun],
  [/^java$/, java],
  [/^(ruby|jruby|truffleruby)[\d.]*$/, ruby],
  [/^perl[\d.]*$/, perl],
  [/^php(-cgi)?[\d.]*$/, php],
  [/^(sh|bash|dash|ash|zsh|ksh|mksh|fish)$/, shell],
  [/^dotnet$/, dotnet],
  [/^(pwsh|powershell)$/, powershell],
  [/^(lua[\d.]*|luajit|Rscript|julia|tclsh[\d.]*|mono|elixir|escript|guile[\d.]*|racket|osascript)$/, plain],
  [/^(busybox|toybox|ld-linux.*|ld-musl-.*|ld-\d.*\.so)$/, runner],
]

/** The interpreter of this program name, or null when it is none. */
export function interpreterOf(program: string): Interpreter | null {
  const name = program.replace(/\.exe$/i, '')
  return byName.find(([pattern]) => pattern.test(name))?.[1] ?? null
}
