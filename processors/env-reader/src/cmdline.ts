/** /proc/<pid>/cmdline as one line: every NUL a space, none at the end; invalid UTF-8 as U+FFFD. */
export function cmdlineText(cmdline: Buffer): string {
  return cmdline.toString('utf8').replaceAll('\0', ' ').trimEnd()
}
