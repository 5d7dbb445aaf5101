/** Paragraphs of a help text, each in one piece: commander wraps them at the width of the terminal. */
export function paragraphs(...texts: string[]): string {
  return texts.join('\n\n')
}
