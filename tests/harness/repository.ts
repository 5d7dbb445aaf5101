import { fileURLToPath } from 'node:url'

/** The checkout, whether this runs from the sources or compiled below `dist/`. */
export const repository = fileURLToPath(new URL(import.meta.url)).replace(/\/tests\/.*$/, '/')
