import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildNerdctl } from '../servers/nerdctl.js'
import { writeImageArchive } from './image-folder.js'
import { PrivateNamespaces } from './private-namespaces.js'
import { nobody } from './unprivileged.js'

/** A real container engine of a test's own: its own socket, data, network and mounts. */
export interface ContainerEngine {
  /** Path of its API socket. */
  readonly socket: string
  /** The namespaces it and its published ports live in: its host, as far as its containers can tell. */
  readonly host: PrivateNamespaces
  /** Its own command line; returns what it printed, trimmed. @throws with its stderr when it fails. */
  cli(...args: string[]): string
  /** Makes an image of a folder (see fillImageFolder). @param command what it runs when nothing else is asked for */
  importImage(name: string, folder: string, command?: readonly string[]): void
  /** SIGKILL to the daemon; what runs in containers may live on. */
  kill(): Promise<void>
  /** Starts the daemon again on the same data. */
  restart(): Promise<void>
  /** Ends the containers and the daemon and removes everything. */
  remove(): Promise<void>
}

/** Starts `dockerd`; resolves when it answers. */
export function startDocker(options: { args?: readonly string[] } = {}): Promise<ContainerEngine> {
  return startEngine((folder) => {
    const socket = join(folder, 'docker.sock')
    writeFileSync(join(folder, 'daemon.json'), '{}')
    const paths = { 'data-root': 'data', 'exec-root': 'exec', pidfile: 'docker.pid', 'config-file': 'daemon.json' }
    const args = Object.entries(paths).flatMap(([option, path]) => [`--${option}`, join(folder, path)])
    const cli = { command: 'docker', args: ['-H', `unix://${socket}`] }
    return {
      socket,
      daemon: { command: 'dockerd', args: ['-H', `unix://${socket}`, ...args, ...(options.args ?? [])] },
      cli,
      probe: { command: cli.command, args: [...cli.args, 'version'] },
      pidfiles: [join(folder, 'docker.pid'), join(folder, 'exec/containerd/containerd.pid')],
      importImage: (run, name, root, command) => {
        const script = 'tar -C "$1" -c . | docker -H "$2" import --change "$3" - "$4"'
        run('sh', '-c', script, 'sh', root, `unix://${socket}`, `CMD ${JSON.stringify(command)}`, name)
      },
      removeContainers: (run) => {
        const ids = run(cli.command, ...cli.args, 'ps', '-aq')
          .split('\n')
          .filter((id) => id !== '')
        if (ids.length > 0) run(cli.command, ...cli.args, 'rm', '-fv', ...ids)
      },
    }
  })
}

/**
 * Starts `containerd`; resolves when it answers.
 *
 * @param options.namespace that its command line works in
 * @param options.sandboxImage starts it as on a node of Kubernetes: with its CRI plugin, whose pods hold their network by
 *   this image
 */
export function startContainerd(options: { namespace?: string; sandboxImage?: string } = {}): Promise<ContainerEngine> {
  return startEngine((folder) => containerd(folder, options))
}

/** Starts `containerd` with nerdctl as its command line; resolves when it answers. */
export async function startNerdctl(): Promise<ContainerEngine> {
  const nerdctl = await buildNerdctl()
  return startEngine((folder) => {
    const kind = containerd(folder)
    const folders = { 'data-root': 'nerdctl', 'cni-netconfpath': 'cni' }
    const args = Object.entries(folders).flatMap(([option, path]) => [`--${option}`, join(folder, path)])
    const cli = { command: nerdctl, args: ['-a', kind.socket, '--cni-path', plugins, ...args] }
    return { ...kind, cli }
  })
}

function containerd(
  folder: string,
  { namespace = 'default', sandboxImage }: { namespace?: string; sandboxImage?: string } = {},
): Kind {
  const socket = join(folder, 'containerd.sock')
  const config = join(folder, 'containerd.toml')
  const networks = join(folder, 'cni')
  const entry = (name: string, value: unknown) => `${name} = ${JSON.stringify(value)}\n`
  const cri = 'io.containerd.grpc.v1.cri'
  if (sandboxImage !== undefined) {
    mkdirSync(networks)
    writeFileSync(join(networks, 'pods.conflist'), JSON.stringify(podNetwork))
  }
  writeFileSync(
    config,
    entry('version', 2) +
      entry('root', join(folder, 'root')) +
      entry('state', join(folder, 'state')) +
      entry('disabled_plugins', sandboxImage === undefined ? [cri] : []) +
      `[grpc]\n${entry('address', socket)}[ttrpc]\n${entry('address', `${socket}.ttrpc`)}` +
      // Memory may not be kept from the kernel's choice everywhere.
      `[plugins."${cri}"]\n${entry('sandbox_image', sandboxImage ?? '')}${entry('restrict_oom_score_adj', true)}` +
      `[plugins."${cri}".cni]\n${entry('bin_dir', plugins)}${entry('conf_dir', networks)}`,
  )
  const cli = { command: 'ctr', args: ['-a', socket, '-n', namespace] }
  return {
    socket,
    ownFolders: ['/var/lib/cni'],
    daemon: { command: 'containerd', args: ['-c', config, '-l', 'warn'] },
    cli,
    probe: { command: cli.command, args: [...cli.args, 'version'] },
    importImage: (run, name, root, command) => {
      const archive = join(folder, 'image.tar')
      writeImageArchive(run, { name, command }, root, archive)
      run(cli.command, ...cli.args, 'image', 'import', archive)
    },
    removeContainers: (run) => {
      for (const namespace of run(cli.command, '-a', socket, 'namespace', 'ls', '-q').split('\n')) {
        const ctr = (...args: string[]) => run(cli.command, '-a', socket, '-n', namespace, ...args).split('\n')
        for (const task of ctr('task', 'ls', '-q')) if (task !== '') ctr('task', 'rm', '-f', task)
        for (const id of ctr('container', 'ls', '-q')) if (id !== '') ctr('container', 'rm', id)
      }
    },
  }
}

/** Where Debian's containernetworking-plugins are. */
const plugins = '/usr/lib/cni'

/** A bridge, and ports of the host that lead to pods. */
const podNetwork = {
  cniVersion: '0.4.0',
  name: 'pods',
  plugins: [
    {
      type: 'bridge',
      bridge: 'pods0',
      isGateway: true,
      ipMasq: true,
      hairpinMode: true,
      ipam: { type: 'host-local', ranges: [[{ subnet: '10.244.7.0/24' }]], routes: [{ dst: '0.0.0.0/0' }] },
    },
    { type: 'portmap', capabilities: { portMappings: true } },
  ],
}

/**
 * Starts `podman system service`; resolves when it answers. Its command line works on the same containers.
 *
 * @param options.rootless as nobody, in a user namespace of one user; only the network of the host is sure to work then
 */
export function startPodman({ rootless = false } = {}): Promise<ContainerEngine> {
  return startEngine((folder) => {
    if (rootless) chownSync(folder, nobody, nobody)
    const as = rootless ? ['setpriv', `--reuid=${nobody}`, `--regid=${nobody}`, '--clear-groups'] : ['env']
    const socket = join(folder, 'podman.sock')
    const config = join(folder, 'containers.conf')
    const networks = join(folder, 'cni')
    // Limits may not be raised everywhere; Podman's default is to raise them.
    writeFileSync(
      config,
      `[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=1000:1000"]\n[network]\nnetwork_config_dir = ${JSON.stringify(networks)}\n`,
    )
    const args = ['--root', join(folder, 'root'), '--runroot', join(folder, 'run'), '--tmpdir', join(folder, 'tmp')]
    // crun refuses a hybrid cgroup hierarchy; without systemd there is no journal and no scope.
    args.push(
      '--runtime',
      'runc',
      '--cgroup-manager',
      'cgroupfs',
      '--events-backend',
      'file',
      '--storage-driver',
      'vfs',
    )
    const [command, ...before] = [...as, 'podman', ...args] as [string, ...string[]]
    const cli = { command, args: before }
    const run = { CONTAINERS_CONF: config, XDG_RUNTIME_DIR: folder }
    return {
      socket,
      ownFolders: ['/var/lib/cni'],
      daemon: {
        command,
        args: [...before, 'system', 'service', '--time=0', `unix://${socket}`],
        env: run,
      },
      cli,
      probe: { command: 'curl', args: ['-sf', '--unix-socket', socket, 'http://podman/_ping'] },
      importImage: (podman, name, root, command) => {
        const archive = join(folder, 'image.tar')
        podman('tar', '--owner=0', '--group=0', '--mode=a+rX', '-C', root, '-cf', archive, '.')
        podman(cli.command, ...cli.args, 'import', '--change', `CMD ${JSON.stringify(command)}`, archive, name)
      },
      removeContainers: (podman) => podman(cli.command, ...cli.args, 'rm', '-fa', '-t', '0'),
    }
  })
}

type Run = (command: string, ...args: string[]) => string

interface Kind {
  socket: string
  daemon: { command: string; args: string[]; env?: Record<string, string> }
  cli: { command: string; args: string[] }
  /** A command that succeeds when the daemon answers. */
  probe: { command: string; args: string[] }
  /** Folders of fixed path that the engine keeps its state in: empty ones of its own are shown to it there. */
  ownFolders?: string[]
  /** Left behind by a daemon that was killed, and taken for one that runs when its pid is used again. */
  pidfiles?: string[]
  importImage(run: Run, name: string, folder: string, command: readonly string[]): void
  removeContainers(run: Run): unknown
}

const startTimeoutMs = 60_000

async function startEngine(describe: (folder: string) => Kind): Promise<ContainerEngine> {
  const folder = mkdtempSync(join(tmpdir(), 'syscribe-engine-'))
  const kind = describe(folder)
  const host = await PrivateNamespaces.open()
  const env = { PATH: process.env.PATH ?? '', HOME: folder, ...kind.daemon.env }
  const run: Run = (command, ...args) => {
    const entered = host.enter(command, args)
    return execFileSync(entered.command, entered.args, {
      // Where nobody may be, too.
      cwd: '/',
      encoding: 'utf8',
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    }).trim()
  }
  for (const own of kind.ownFolders ?? []) {
    mkdirSync(own, { recursive: true })
    host.run('mount', '-t', 'tmpfs', 'engine', own)
  }
  let daemon: ChildProcess

  async function start(): Promise<void> {
    for (const pidfile of kind.pidfiles ?? []) rmSync(pidfile, { force: true })
    const entered = host.enter(kind.daemon.command, kind.daemon.args)
    daemon = spawn(entered.command, entered.args, { env, cwd: '/', stdio: ['ignore', 'ignore', 'pipe'] })
    let errors = ''
    daemon.stderr?.setEncoding('utf8').on('data', (text: string) => {
      errors = (errors + text).slice(-20_000)
    })
    const until = Date.now() + startTimeoutMs
    for (;;) {
      try {
        if (existsSync(kind.socket)) {
          run(kind.probe.command, ...kind.probe.args)
          return
        }
      } catch (error) {
        if (Date.now() > until) throw error
      }
      if (daemon.exitCode !== null || Date.now() > until)
        throw new Error(`${kind.daemon.command} did not start:\n${errors}`)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }

  async function end(signal: NodeJS.Signals): Promise<void> {
    if (daemon.exitCode !== null || daemon.signalCode !== null) return
    const ended = once(daemon, 'exit')
    daemon.kill(signal)
    await ended
  }

  let removed = false
  async function remove(): Promise<void> {
    if (removed) return
    removed = true
    try {
      kind.removeContainers(run)
      await end('SIGTERM')
    } catch {
      // The daemon is gone: what it left is ended with the namespaces.
    }
    await host.close()
    rmSync(folder, { recursive: true, force: true })
  }

  try {
    await start()
  } catch (error) {
    await remove()
    throw error
  }
  return {
    socket: kind.socket,
    host,
    cli: (...args) => run(kind.cli.command, ...kind.cli.args, ...args),
    importImage: (name, root, command = []) => kind.importImage(run, name, root, command),
    kill: () => end('SIGKILL'),
    restart: start,
    remove,
  }
}
