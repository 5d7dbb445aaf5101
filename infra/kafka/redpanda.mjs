import { execFile } from 'node:child_process'

export const redpandaImage = process.env.REDPANDA_IMAGE ?? 'docker.redpanda.com/redpandadata/redpanda:v26.1.9'

/**
 * Redpanda in a container, or null where Docker does not run or has not got its image soon.
 * @returns {Promise<{ brokers: string[], stop(): Promise<void> } | null>}
 */
export async function startRedpanda() {
  if (!(await docker(3000, 'info'))) return null
  if (
    !(await docker(3000, 'image', 'inspect', redpandaImage)) &&
    !(await docker(60_000, 'pull', '-q', redpandaImage))
  ) {
    return null
  }
  const { RedpandaContainer } = await import('@testcontainers/redpanda')
  // What else testcontainers needs may not be had.
  const container = await new RedpandaContainer(redpandaImage).start().catch(() => null)
  if (container === null) return null
  const brokers = [container.getBootstrapServers().replace(/^PLAINTEXT:\/\//, '')]
  return { brokers, stop: async () => void (await container.stop()) }
}

/** Whether a command of docker succeeds in time. @param {number} timeout ms @param {...string} args */
function docker(timeout, ...args) {
  return new Promise((resolve) => {
    execFile('docker', args, { timeout, killSignal: 'SIGKILL' }, (error) => resolve(error === null))
  })
}
