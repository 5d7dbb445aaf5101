import { build, isBuilt } from './build.mjs'
import { installPackages, missingNeeds } from './debian-packages.mjs'
import { withLock } from './lock.mjs'
import { installNpmPackages, npmPackagesMatch } from './npm-packages.mjs'
import { Progress } from './progress.mjs'

/**
 * Brings a checkout to where the purpose can start: Debian packages, npm packages, build; only what is lacking.
 * @param {string} root the checkout
 * @param {import('./purposes.mjs').Purpose} purpose
 */
export async function setUp(root, purpose) {
  if (isReady(root, purpose)) return
  const progress = new Progress()
  await withLock(
    root,
    () => progress.note('Another set-up of this checkout is running; waiting for it.'),
    async () => {
      const needs = missingNeeds(purpose)
      if (needs.length > 0) {
        const names = needs.map((need) => need.package).join(' ')
        await progress.step(`Debian packages: ${names}`, (show) => installPackages(needs, show))
      }
      if (!npmPackagesMatch(root)) await progress.step('npm packages', (show) => installNpmPackages(root, show))
      if (!isBuilt(root)) await progress.step('Build', (show) => build(root, show))
    },
  )
}

/**
 * @param {string} root
 * @param {import('./purposes.mjs').Purpose} purpose
 */
function isReady(root, purpose) {
  return missingNeeds(purpose).length === 0 && npmPackagesMatch(root) && isBuilt(root)
}
