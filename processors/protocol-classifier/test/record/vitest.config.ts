import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

/** Makes the vectors anew: `npm run record -w @syscribe/protocol-classifier [-- -t postgres]`. */
const conditions = ['syscribe-source']

export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: { include: ['*.record.ts'], testTimeout: 600_000, fileParallelism: false },
})
