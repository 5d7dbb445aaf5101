import { chownSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildNerdctl } from '../servers/nerdctl.js'
import { type ContainerEngine, type EngineKind, startEngine } from './container-engine.js'
import { writeImageArchive } from './image-folder.js'
import { nobody } from './unprivileged.js'

export type { ContainerEngine } from './container-engine.js'

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

/** containerd as it is started in a folder. */
export function containerd(
  folder: string,
  { namespace = 'default', sandboxImage }: { namespace?: string; sandboxImage?: string } = {},
): EngineKind {
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
export const plugins = '/usr/lib/cni'

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
