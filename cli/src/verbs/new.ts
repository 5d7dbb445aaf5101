import type { Command } from 'commander'
import { paragraphs } from '../help-text.js'
import type { VerbContext } from '../program.js'

export function addNew(program: Command, { surroundings }: VerbContext): void {
  const parent = program
    .command('new')
    .summary('begin a part of your own')
    .description('Begin a part of your own: a folder with working code, its test and a README')
  const verb = parent
    .command('projection')
    .summary('begin a projection: an output of your own')
    .description(
      paragraphs(
        'Begin a projection, an output of your own: writes a folder of the given name with working code (the slowest HTTP endpoints as CSV), its test and a README. docs/projections.md walks through it.',
        'In the checkout of Syscribe the folder becomes a workspace below projections/; anywhere else a package of its own.',
      ),
    )
    .argument('<name>', 'small letters, digits and hyphens: names the folder, the package and the projection')
    .option('--into <folder>', 'the folder that will hold it (default: projections/ of the checkout, else this folder)')
  verb.action(async (name: string) => {
    const { into }: { into?: string } = verb.opts()
    const { newProjection } = await import('../new-projection/new-projection.js')
    const { folder, place, files, changed } = newProjection(name, into, process.cwd())
    const next =
      place === 'workspace'
        ? `npm install && npx vitest run projections/${name} && npm run build -w @syscribe/${name}`
        : `cd ${folder}, then what its README.md says: the packages of Syscribe, the test, the build`
    const written = [folder, ...files.map((file) => `  ${file}`)]
    if (changed !== undefined) written.push(`${changed}\n  now references projections/${name}`)
    await surroundings.stdout.write(`${written.join('\n')}\n\nNext: ${next}\n`)
  })
}
