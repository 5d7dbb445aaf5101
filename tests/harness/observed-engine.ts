import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ContainerEngine } from './container-engine.js'
import { fillImageFolder } from './image-folder.js'
import { Outputs, Syscribe } from './syscribe.js'

/** A container engine of a test's own with an image of Node programs, and a Syscribe that watches it from the engine's host. */
export interface ObservedEngine {
  engine: ContainerEngine
  syscribe: Syscribe
  /** The folder the image was made of; its programs run from here on the host. */
  root: string
}

/**
 * @param atEnd takes what is to be ended with the test (see endings)
 * @param image its name, and the sources of its programs by file name
 * @param profile the value of ADI_PROFILE that is observed
 */
export async function observeEngine(
  atEnd: (end: () => unknown) => void,
  start: () => Promise<ContainerEngine>,
  image: { name: string; programs: Readonly<Record<string, string>> },
  profile: string,
): Promise<ObservedEngine> {
  const root = mkdtempSync(join(tmpdir(), 'syscribe-image-'))
  atEnd(() => rmSync(root, { recursive: true }))
  fillImageFolder(root, [process.execPath])
  for (const [file, source] of Object.entries(image.programs)) writeFileSync(join(root, file), source)
  const engine = await start()
  atEnd(() => engine.remove())
  engine.importImage(image.name, root)
  const env = { ADI_PROFILE_ALLOWED: profile, CONTAINERD_SOCKET: engine.socket }
  const syscribe = await Syscribe.start(env, new Outputs(), engine.host)
  atEnd(() => syscribe.dispose())
  return { engine, syscribe, root }
}
