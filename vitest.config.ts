import { defineConfig } from 'vitest/config'

// Workspaces resolve to their sources, so a test never reads a stale build.
const conditions = ['syscribe-source']

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    include: ['*/test/**/*.test.ts', '{processors,projections,infra}/*/test/**/*.test.ts', 'tests/*/**/*.test.ts'],
    testTimeout: 30_000,
  },
})
