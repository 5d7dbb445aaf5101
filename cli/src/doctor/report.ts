import type { Check } from '@syscribe/collector'

const marks = { true: '✔', warn: '!', false: '✖' } as const

/** Checks as lines: mark, name, what was found; below it what to do. */
export function checksText(checks: readonly Check[]): string {
  const width = Math.max(...checks.map((check) => check.name.length))
  const lines = checks.flatMap((check) => {
    const mark = marks[`${check.ok}`]
    const remedy = check.remedy === null ? [] : [`  ${' '.repeat(width)}  → ${check.remedy}`]
    return [`${mark} ${check.name.padEnd(width)}  ${check.detail}`, ...remedy]
  })
  return `${lines.join('\n')}\n\n${verdict(checks)}\n`
}

function verdict(checks: readonly Check[]): string {
  if (checks.some((check) => check.ok === false)) return 'Syscribe cannot run here as it is.'
  if (checks.some((check) => check.ok === 'warn')) return 'Syscribe can run here, with the limits marked !.'
  return 'Syscribe can run here.'
}
