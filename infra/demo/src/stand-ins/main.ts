import { rmSync } from 'node:fs'
import { buildImage, type ImageTool } from './build-image.js'
import { programContext, programImages } from './program-context.js'
import { serverImages } from './server-images.js'

// Makes the images that compose.yaml names on a machine that cannot pull them: node dist/stand-ins/main.js [tool ...]
// The tool is `docker` unless said otherwise, with global options if it needs any: podman --root /tmp/storage

const given = process.argv.slice(2)
const tool: ImageTool = given[0] === undefined ? ['docker'] : [given[0], ...given.slice(1)]

try {
  for (const [name, fill] of Object.entries(serverImages)) {
    const folder = fill()
    try {
      await buildImage(tool, name, folder.path)
    } finally {
      folder.remove()
    }
    process.stdout.write(`${name}\n`)
  }
  const context = programContext()
  try {
    for (const [name, target] of Object.entries(programImages)) {
      await buildImage(tool, name, context, target)
      process.stdout.write(`${name}\n`)
    }
  } finally {
    rmSync(context, { recursive: true, force: true })
  }
} catch (error) {
  process.stderr.write(`stand-in images: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}
