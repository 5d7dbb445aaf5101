import { readFileSync } from 'node:fs'
import { type Check, checkContainerRuntime, selfCheck } from '@syscribe/collector'
import type { Config } from '@syscribe/runtime'
import { CliError } from '../cli-error.js'
import { checkDataDir } from '../run/check-data-dir.js'
import { checkOutputs } from '../run/check-outputs.js'

/** Everything `syscribe run` would meet here with this configuration. */
export async function allChecks(config: Config): Promise<Check[]> {
  return [
    userCheck(),
    ...selfCheck(),
    writable('outputs', 'The output files can be written.', () => checkOutputs(config)),
    writable('data directory', `The event log can be kept in ${config.dataDir}.`, () => checkDataDir(config.dataDir)),
    ...(await containerCheck(config)),
    priorityCheck(),
  ]
}

function userCheck(): Check {
  if (process.getuid?.() === 0) return { name: 'user', ok: true, detail: 'Running as root.', remedy: null }
  return {
    name: 'user',
    ok: 'warn',
    detail: `Running as user ${process.getuid?.()}: what follows is what this user may do.`,
    remedy: 'Run it as root: sudo syscribe doctor',
  }
}

function writable(name: string, fine: string, check: () => void): Check {
  try {
    check()
    return { name, ok: true, detail: fine, remedy: null }
  } catch (error) {
    if (!(error instanceof CliError)) throw error
    const remedy = error.remedy ?? 'set another path, or change the rights of this one'
    return { name, ok: false, detail: error.fault, remedy: `${remedy.charAt(0).toUpperCase()}${remedy.slice(1)}.` }
  }
}

async function containerCheck(config: Config): Promise<Check[]> {
  const { containerdSocket: socket, containerdNamespace: namespace } = config
  return socket === null ? [] : [await checkContainerRuntime({ socket, namespace })]
}

/** sched(7), "The autogroup feature": a nice value counts only within the group of the session. */
function priorityCheck(): Check {
  const name = 'priority'
  try {
    if (readFileSync('/proc/sys/kernel/sched_autogroup_enabled', 'utf8').trim() !== '1') throw new Error('off')
    if (!readFileSync('/proc/self/cgroup', 'utf8').split('\n').some(isRootCpuGroup)) throw new Error('grouped')
  } catch {
    return { name, ok: true, detail: 'Derivation yields the processors to everybody else (nice 19).', remedy: null }
  }
  return {
    name,
    ok: 'warn',
    detail: 'Autogroup is on: derivation yields the processors only to programs of its own session.',
    remedy: 'Run it as a service, or: sysctl kernel.sched_autogroup_enabled=0',
  }
}

/** Autogroup concerns only what is in no group of the cpu controller: cgroup v2's root, or v1's for cpu. */
function isRootCpuGroup(line: string): boolean {
  const [, controllers = '', path = ''] = line.split(':')
  return path === '/' && (controllers === '' || controllers.split(',').includes('cpu'))
}
