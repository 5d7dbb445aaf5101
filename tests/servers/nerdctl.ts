import { buildGoProgram } from './go-program.js'

const tests = 'github.com/containerd/nerdctl/mod/tigron'

/**
 * Builds nerdctl, containerd's command line in the manner of Docker's, from the Go module proxy, once.
 * @returns its program. @throws ServerError
 */
export function buildNerdctl(): Promise<string> {
  return buildGoProgram({
    name: 'nerdctl',
    module: 'github.com/containerd/nerdctl/v2',
    version: 'v2.1.2',
    go: '1.24',
    package: 'github.com/containerd/nerdctl/v2/cmd/nerdctl',
    // It requires a version of its tests' own tools that was never published.
    replace: { [tests]: './tests' },
    files: { 'tests/go.mod': `module ${tests}\n` },
  })
}
