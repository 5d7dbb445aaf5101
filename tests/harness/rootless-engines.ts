import { chmodSync, chownSync, copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildNerdctl } from '../servers/nerdctl.js'
import { type ContainerEngine, type EngineKind, type Run, startEngine } from './container-engine.js'
import { containerd, plugins } from './container-engines.js'
import { writeImageArchive } from './image-folder.js'

/** User ids that a user is given for its containers. */
const subordinate = 65_536

/** Starts `dockerd` as Debian's script for rootless mode does; resolves when it answers. */
export function startRootlessDocker(): Promise<ContainerEngine> {
  return startEngine((folder) => {
    const user = new RootlessUser(folder)
    const socket = join(user.runtime, 'docker.sock')
    const paths = { 'data-root': 'data', 'exec-root': 'exec', pidfile: 'docker.pid' }
    const args = Object.entries(paths).flatMap(([option, path]) => [`--${option}`, join(user.home, path)])
    const script = '/usr/share/docker.io/contrib/dockerd-rootless.sh'
    const cli = { command: 'docker', args: ['-H', `unix://${socket}`] }
    return {
      ...user.kind,
      socket,
      daemon: { ...user.as('sh', script, '-H', `unix://${socket}`, ...args), env: user.env },
      cli,
      probe: { command: cli.command, args: [...cli.args, 'version'] },
      importImage: (run, name, root) =>
        run('sh', '-c', 'tar -C "$1" -c . | docker -H "$2" import - "$3"', 'sh', root, `unix://${socket}`, name),
      removeContainers: (run) => {
        const ids = run(cli.command, ...cli.args, 'ps', '-aq')
        if (ids !== '') run(cli.command, ...cli.args, 'rm', '-fv', ...ids.split('\n'))
      },
    }
  })
}

/** Starts `containerd` under RootlessKit, as nerdctl's script does, with nerdctl as its command line. */
export async function startRootlessNerdctl(): Promise<ContainerEngine> {
  const built = await buildNerdctl()
  return startEngine((folder) => {
    const user = new RootlessUser(folder)
    const kind = containerd(user.home)
    const nerdctl = join(folder, 'nerdctl')
    copyFileSync(built, nerdctl)
    const [config] = kind.daemon.args.filter((arg) => arg.endsWith('.toml'))
    // nerdctl looks for the namespaces in this folder of the runtime directory.
    const kit = ['rootlesskit', `--state-dir=${join(user.runtime, 'containerd-rootless')}`, '--net=slirp4netns']
    kit.push('--mtu=65520', '--disable-host-loopback', '--port-driver=builtin')
    kit.push('--copy-up=/etc', '--copy-up=/run', '--copy-up=/var/lib')
    // What was copied are links to what is not the user's.
    const own = 'rm -rf /run/containerd /run/xtables.lock /var/lib/cni; exec containerd -c "$1" -l warn'
    const folders = { 'data-root': 'nerdctl-data', 'cni-netconfpath': 'networks' }
    const args = Object.entries(folders).flatMap(([option, path]) => [`--${option}`, join(user.home, path)])
    const cli = user.as(nerdctl, '-a', kind.socket, '--cni-path', plugins, ...args)
    return {
      ...kind,
      ...user.kind,
      daemon: { ...user.as(...kit, 'sh', '-c', own, 'sh', config as string), env: user.env },
      cli,
      importImage: (run, name, root) => {
        const archive = join(folder, 'image.tar')
        writeImageArchive(run, { name, command: [] }, root, archive)
        run(cli.command, ...cli.args, 'load', '-i', archive)
      },
    }
  })
}

/** Starts `podman system service` of a user; resolves when it answers. Its containers share a network called `own`. */
export function startRootlessPodman(): Promise<ContainerEngine> {
  return startEngine((folder) => {
    const user = new RootlessUser(folder)
    const socket = join(user.runtime, 'podman.sock')
    const config = join(folder, 'containers.conf')
    // As for startPodman.
    const limits = 'default_ulimits = ["nofile=1024:1024", "nproc=1000:1000"]'
    writeFileSync(config, `[containers]\n${limits}\n`)
    const choices = { runtime: 'runc', 'cgroup-manager': 'cgroupfs', 'events-backend': 'file', 'storage-driver': 'vfs' }
    const options = Object.entries(choices).flatMap(([option, value]) => [`--${option}`, value])
    const { command, args } = user.as('podman', ...options)
    const env = { ...user.env, CONTAINERS_CONF: config }
    return {
      ...user.kind,
      socket,
      daemon: { command, args: [...args, 'system', 'service', '--time=0', `unix://${socket}`], env },
      cli: { command, args },
      probe: { command: 'curl', args: ['-sf', '--unix-socket', socket, 'http://podman/_ping'] },
      importImage: (run, name, root) => {
        const archive = join(folder, 'image.tar')
        run('tar', '--owner=0', '--group=0', '--mode=a+rX', '-C', root, '-cf', archive, '.')
        run(command, ...args, 'import', archive, name)
        run(command, ...args, 'network', 'create', 'own')
      },
      removeContainers: (run) => run(command, ...args, 'rm', '-fa', '-t', '0'),
    }
  })
}

/** A user of an engine's own, who is none of this machine's, with ids for containers and a runtime directory. */
class RootlessUser {
  readonly home: string
  readonly runtime: string
  readonly #folder: string
  /** Of no other test that runs now. The ids of its containers follow. */
  readonly #id = 1_000_000 + (process.pid % 10_000) * 2 * subordinate

  constructor(folder: string) {
    this.#folder = folder
    this.home = join(folder, 'home')
    this.runtime = join(folder, 'run')
    chmodSync(folder, 0o755)
    for (const path of [this.home, this.runtime]) {
      mkdirSync(path, { mode: 0o700 })
      chownSync(path, this.#id, this.#id)
    }
  }

  get env(): Record<string, string> {
    return { HOME: this.home, XDG_RUNTIME_DIR: this.runtime }
  }

  as(...command: string[]): { command: string; args: string[] } {
    const identity = [`--reuid=${this.#id}`, `--regid=${this.#id}`, '--clear-groups']
    return { command: 'setpriv', args: [...identity, ...command] }
  }

  get kind(): Pick<EngineKind, 'prepare' | 'endRemains'> {
    return { prepare: (run) => this.#prepare(run), endRemains: () => this.#endRemains() }
  }

  /** Makes it known where the engine is, and lets it make networks: not every machine lets all use /dev/net/tun. */
  #prepare(run: Run): void {
    const show = (path: string, text: string) => {
      const file = join(this.#folder, path.replaceAll('/', '-'))
      writeFileSync(file, text)
      run('mount', '--bind', file, path)
    }
    const known = (path: string) => readFileSync(path, 'utf8')
    const id = this.#id
    show('/etc/passwd', `${known('/etc/passwd')}rootless:x:${id}:${id}::${this.home}:/bin/sh\n`)
    show('/etc/group', `${known('/etc/group')}rootless:x:${id}:\n`)
    for (const path of ['/etc/subuid', '/etc/subgid']) show(path, `rootless:${id + 1}:${subordinate}\n`)
    const tun = join(this.#folder, 'tun')
    run('mknod', '-m', '666', tun, 'c', '10', '200')
    run('mount', '--bind', tun, '/dev/net/tun')
  }

  /** Its containers' processes are in namespaces that it made, and no longer its children. */
  #endRemains(): void {
    for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
      try {
        const uid = Number(/^Uid:\t(\d+)/m.exec(readFileSync(`/proc/${name}/status`, 'utf8'))?.[1])
        if (uid >= this.#id && uid <= this.#id + subordinate) process.kill(Number(name), 'SIGKILL')
      } catch {
        // It has ended meanwhile.
      }
    }
  }
}
