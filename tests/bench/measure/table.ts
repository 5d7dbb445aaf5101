/** Prints rows as a Markdown table, as docs/benchmarks.md keeps them. */
export function printTable(title: string, rows: readonly Record<string, string | number>[]): void {
  const columns = Object.keys(rows[0] ?? {})
  const lines = [columns, columns.map(() => '---'), ...rows.map((row) => columns.map((column) => row[column] ?? ''))]
  process.stdout.write(`\n### ${title}\n\n${lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')}\n`)
}

/** A figure with so many digits behind the point. */
export function fixed(value: number, digits: number): string {
  return value.toFixed(digits)
}
