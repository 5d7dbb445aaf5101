import { run } from './command.mjs'
import { isThere } from './probe.mjs'
import { needsOf } from './purposes.mjs'
import { disableServices, withoutServiceStarts } from './service-starts.mjs'
import { SetupError } from './setup-error.mjs'

// Two installations at once (the system's own, another checkout's) wait for each other.
const aptGet = ['apt-get', '-o', 'DPkg::Lock::Timeout=600', '-o', 'Acquire::Retries=2']

/**
 * What is not there.
 * @param {import('./purposes.mjs').Purpose} purpose
 */
export function missingNeeds(purpose) {
  return needsOf(purpose).filter((need) => !isThere(need))
}

/**
 * Installs packages without starting a service, now or at the next boot.
 * @param {readonly import('./purposes.mjs').Need[]} needs
 * @param {(line: string) => void} show
 */
export async function installPackages(needs, show) {
  const packages = needs.map((need) => need.package)
  const list = packages.join(' ')
  if (process.getuid?.() !== 0) {
    throw new SetupError(`missing: ${list}`, `Run this as root (sudo), or install them: sudo apt-get install ${list}`)
  }
  /** @param {string[]} command */
  const apt = ([program = 'apt-get', ...args]) =>
    run(program, args, {
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C.UTF-8' },
      onLine: show,
    })
  const update = await apt([...aptGet, 'update']).catch((error) => {
    if (error.code !== 'ENOENT') throw error
    throw new SetupError(
      `missing: ${list}, and there is no apt-get here to install them`,
      'Install what these Debian packages hold with this system’s own package manager, then run this again.',
    )
  })
  // A stale or missing index need not matter: the install below says so when it does.
  const install = await withoutServiceStarts((prefix) =>
    apt([...prefix, ...aptGet, 'install', '--yes', '--no-install-recommends', '--no-upgrade', ...packages]),
  )
  if (install.code !== 0) {
    // apt-get update ends with 0 when it got nothing, and says so only in words.
    const offline = /Could not resolve|Unable to fetch|Failed to fetch|Could not connect/.test(
      update.tail + install.tail,
    )
    throw new SetupError(
      offline ? `cannot download the Debian packages ${list}` : `apt-get cannot install ${list}`,
      offline
        ? 'Check the network and /etc/apt/sources.list, then run this again.'
        : `Run it by hand to see why: apt-get install ${list}`,
      { detail: install.tail },
    )
  }
  await disableServices(needs.flatMap((need) => need.services ?? []))
}
