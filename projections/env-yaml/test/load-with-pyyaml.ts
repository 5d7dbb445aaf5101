import { spawnSync } from 'node:child_process'

const script = `
import json, sys, yaml
loader = getattr(yaml, 'CSafeLoader', yaml.SafeLoader) if sys.argv[1] == 'c' else yaml.SafeLoader
sys.stdout.write(json.dumps(list(yaml.load_all(sys.stdin.buffer.read(), loader))))
`

/** What PyYAML makes of a stream of documents: its own parser, or libyaml, which many other languages use. */
export function loadWithPyYaml(text: string, parser: 'python' | 'c'): unknown[] {
  for (const python of ['python3', '/usr/bin/python3']) {
    const run = spawnSync(python, ['-c', script, parser], { input: text, maxBuffer: 64 * 1024 * 1024 })
    if (run.status === 0) return JSON.parse(run.stdout.toString()) as unknown[]
    const said = run.stderr?.toString() ?? String(run.error)
    if (!/No module named|ENOENT/.test(said)) throw new Error(said)
  }
  throw new Error('this test needs python3 with PyYAML: apt-get install python3-yaml')
}
