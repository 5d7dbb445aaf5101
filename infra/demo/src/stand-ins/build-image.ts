import { spawn } from 'node:child_process'
import { once } from 'node:events'

/** The command line of `docker`, or of what takes the same commands (`podman`), with its global options. */
export type ImageTool = readonly [string, ...string[]]

/**
 * Builds an image from a folder with a Dockerfile.
 * @param target a stage of the Dockerfile; the last one when not given.
 * @throws Error with what the tool said.
 */
export async function buildImage(tool: ImageTool, name: string, folder: string, target?: string): Promise<void> {
  const [command, ...options] = tool
  const stage = target === undefined ? [] : ['--target', target]
  const building = spawn(command, [...options, 'build', '--tag', name, ...stage, folder], {
    // The classic builder takes base images that are only here, and needs no plugin.
    env: { ...process.env, DOCKER_BUILDKIT: '0' },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let errors = ''
  building.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors = (errors + text).slice(-2000)
  })
  const [code, signal] = await once(building, 'close')
  if (code !== 0) throw new Error(`${command} build of ${name} ended with ${signal ?? code}: ${errors.trim()}`)
}
