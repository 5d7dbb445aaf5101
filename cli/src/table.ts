/** Rows as text in aligned columns; numbers go to the right. */
export function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const lines = [head, ...rows].map((row) => row.map(String))
  const widths = head.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)))
  const toRight = head.map((_, column) => rows.length > 0 && rows.every((row) => typeof row[column] === 'number'))
  return lines
    .map((line) => {
      const cells = line.map((cell, column) =>
        toRight[column] ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
      )
      return `${cells.join('  ').trimEnd()}\n`
    })
    .join('')
}
