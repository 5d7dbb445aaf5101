import { resolve } from 'node:path'
import { Command } from 'commander'
import { expect, it } from 'vitest'
import { addConfigFlags, configFrom } from '../src/config-flags.js'

it('gives the files of outputs with their whole paths, by flag and by variable', () => {
  const verb = new Command()
  addConfigFlags(verb)
  verb.parse(['--output', 'http.log', '--projections', './slow=slow.csv,./urls=/var/urls.txt'], { from: 'user' })
  expect(configFrom(verb, { ENV_OUTPUT_PATH: '../env.yaml', SERVICE_MAP_PATH: 'maps/map.json' })).toMatchObject({
    outputPath: resolve('http.log'),
    envOutputPath: resolve('../env.yaml'),
    serviceMapPath: resolve('maps/map.json'),
    ownProjections: [
      { module: './slow', target: resolve('slow.csv') },
      { module: './urls', target: '/var/urls.txt' },
    ],
  })
  expect(configFrom(new Command(), {})).toMatchObject({ serviceMapPath: null, ownProjections: null })
})
