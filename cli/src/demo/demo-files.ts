import { chownSync, lchownSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

/** Where a demo run leaves what it made. */
export interface DemoFiles {
  folder: string
  httpLog: string
  environments: string
  serviceMap: string
  eventLog: string
}

/** Names the files of a run, and removes those of the run before. */
export function freshDemoFiles(folder: string): DemoFiles {
  const files = {
    folder: resolve(folder),
    httpLog: resolve(folder, 'http.log'),
    environments: resolve(folder, 'environments.yaml'),
    serviceMap: resolve(folder, 'service-map.json'),
    eventLog: resolve(folder, 'event-log'),
  }
  mkdirSync(files.folder, { recursive: true })
  for (const path of [files.httpLog, files.environments, files.serviceMap, files.eventLog]) {
    rmSync(path, { recursive: true, force: true })
  }
  return files
}

/** Gives what root made to whom the folder around it belongs: the one who called sudo. */
export function handOver(files: DemoFiles): void {
  const { uid, gid } = statSync(dirname(files.folder))
  if (uid === 0) return
  chownSync(files.folder, uid, gid)
  for (const name of readdirSync(files.folder, { recursive: true, encoding: 'utf8' })) {
    lchownSync(join(files.folder, name), uid, gid)
  }
}
