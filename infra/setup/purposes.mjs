/**
 * What each purpose needs from the system. One list: add here what a build, a demo or a test calls.
 *
 * @typedef {object} Need
 * @property {string} package Debian package that has it.
 * @property {{ command: string } | { header: string } | { file: string }} probe How to see that it is there, whoever
 *   installed it: a program on the path or in a server's own folder, a C header, or a file by pattern (`*` is one name).
 * @property {string[]} [services] Services the package would start at boot; set-up leaves them off.
 *
 * @typedef {'build' | 'demo' | 'test' | 'bench'} Purpose
 */

/** @type {Record<Purpose, { includes: Purpose[], needs: Need[] }>} */
export const purposes = {
  /** The eBPF object, the native addon, and what runs them. */
  build: {
    includes: [],
    needs: [
      { package: 'clang', probe: { command: 'clang' } },
      { package: 'g++', probe: { command: 'g++' } },
      { package: 'make', probe: { command: 'make' } },
      { package: 'libbpf-dev', probe: { header: 'bpf/libbpf.h' } },
      { package: 'libelf-dev', probe: { header: 'libelf.h' } },
      { package: 'zlib1g-dev', probe: { header: 'zlib.h' } },
      { package: 'linux-libc-dev', probe: { header: 'linux/bpf.h' } },
    ],
  },
  /** The servers the demo's programs depend on, and its own network. */
  demo: {
    includes: ['build'],
    needs: [
      { package: 'iproute2', probe: { command: 'ip' } },
      { package: 'postgresql', probe: { command: 'initdb' }, services: ['postgresql'] },
      { package: 'redis-server', probe: { command: 'redis-server' }, services: ['redis-server'] },
      { package: 'nats-server', probe: { command: 'nats-server' }, services: ['nats-server'] },
    ],
  },
  /** Servers and clients of the tests on a real kernel. */
  test: {
    includes: ['build', 'demo'],
    needs: [
      { package: 'python3-yaml', probe: { file: '/usr/lib/python3/dist-packages/yaml' } },
      // Programs that are observed, in the languages of tests/programs.
      { package: 'python3', probe: { command: 'python3' } },
      { package: 'python3-venv', probe: { file: '/usr/lib/python3.*/ensurepip' } },
      { package: 'default-jdk-headless', probe: { command: 'javac' } },
      { package: 'golang-go', probe: { command: 'go' } },
      { package: 'ruby', probe: { command: 'ruby' } },
      { package: 'curl', probe: { command: 'curl' } },
      { package: 'nginx', probe: { command: 'nginx' }, services: ['nginx'] },
      // Servers of tests/servers beside the demo's.
      { package: 'redis-tools', probe: { command: 'redis-cli' } },
      { package: 'mariadb-server', probe: { command: 'mariadb-install-db' }, services: ['mariadb'] },
      { package: 'memcached', probe: { command: 'memcached' }, services: ['memcached'] },
      { package: 'rabbitmq-server', probe: { command: 'rabbitmq-server' }, services: ['rabbitmq-server', 'epmd'] },
      { package: 'maven', probe: { command: 'mvn' } },
      // Certificates for brokers that are reached over TLS.
      { package: 'openssl', probe: { command: 'openssl' } },
      // Container engines, each started by the test that needs it.
      { package: 'docker.io', probe: { command: 'dockerd' }, services: ['docker', 'containerd'] },
      { package: 'docker-compose', probe: { command: 'docker-compose' } },
      { package: 'containerd', probe: { command: 'containerd' }, services: ['containerd'] },
      { package: 'podman', probe: { command: 'podman' }, services: ['podman', 'podman-restart', 'podman-auto-update'] },
      { package: 'runc', probe: { command: 'runc' } },
      { package: 'containernetworking-plugins', probe: { file: '/usr/lib/cni/bridge' } },
      { package: 'iptables', probe: { command: 'iptables' } },
      { package: 'rootlesskit', probe: { command: 'rootlesskit' } },
      { package: 'slirp4netns', probe: { command: 'slirp4netns' } },
      { package: 'uidmap', probe: { command: 'newuidmap' } },
      // What the BPF compiler made of the events.
      { package: 'bpftool', probe: { command: 'bpftool' } },
      // Other kernels, in an emulator.
      { package: 'qemu-system-x86', probe: { command: 'qemu-system-x86_64' } },
      { package: 'busybox-static', probe: { command: 'busybox' } },
      { package: 'kmod', probe: { command: 'depmod' } },
      { package: 'xz-utils', probe: { command: 'xz' } },
      // Disks that fill up and stall, other users, namespaces.
      { package: 'e2fsprogs', probe: { command: 'mkfs.ext4' } },
      { package: 'mount', probe: { command: 'mount' } },
      { package: 'util-linux', probe: { command: 'unshare' } },
    ],
  },
  /** What the benchmarks measure with and against. */
  bench: {
    includes: ['test'],
    needs: [
      { package: 'wrk', probe: { command: 'wrk' } },
      { package: 'tshark', probe: { command: 'tshark' } },
    ],
  },
}

/**
 * Everything a purpose needs, with what it includes.
 * @param {Purpose} purpose
 * @returns {Need[]}
 */
export function needsOf(purpose) {
  const { includes, needs } = purposes[purpose]
  const all = [...includes.flatMap(needsOf), ...needs]
  return all.filter((need, index) => all.findIndex((other) => other.package === need.package) === index)
}
