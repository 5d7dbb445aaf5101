/** East Asian wide and emoji: two columns (Unicode Standard Annex 11). The blocks, not every character of them. */
const wide =
  /^[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1f64f}\u{1f900}-\u{1f9ff}\u{20000}-\u{3fffd}]/u
/** Marks that add to the character before them, and joiners. */
const joining = /^(?:\p{Mn}|\p{Me}|[\u200b-\u200d])/u
/** Controls, and what turns the direction of writing around. */
const unprintable = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu

/** Text with what a terminal would obey, or a reader not see, replaced. */
export function printable(text: string): string {
  return text.replace(unprintable, '\ufffd')
}

/** Columns a terminal needs for the text. */
export function columns(text: string): number {
  let count = 0
  for (const char of text) count += columnsOf(char)
  return count
}

/** The text cut to so many columns, with an ellipsis where it was cut. */
export function fit(text: string, width: number): string {
  if (columns(text) <= width) return text
  let out = ''
  let left = width - 1
  for (const char of text) {
    left -= columnsOf(char)
    if (left < 0) break
    out += char
  }
  return `${out}…`
}

function columnsOf(char: string): number {
  return joining.test(char) ? 0 : wide.test(char) ? 2 : 1
}
