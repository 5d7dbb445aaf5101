import type { Setting } from './config-setting.js'
import { settings } from './config-table.js'

/** One setting in words, for `--help` and README. */
export interface SettingHelp {
  /** Key of the parsed configuration. */
  key: keyof typeof settings
  variable: string
  /** As in `--output FILE`; null when it has none. */
  flag: string | null
  /** The default, or what happens without a value. */
  default: string
  meaning: string
}

/** Every setting in words, in the table's order. */
export function settingsHelp(): SettingHelp[] {
  return Object.entries(settings).map(([key, entry]) => {
    const setting: Setting = entry
    return {
      key: key as keyof typeof settings,
      variable: setting.variable,
      flag: setting.flag === null ? null : `${setting.flag} ${setting.argument}`,
      default: setting.default ?? setting.otherwise ?? '',
      meaning: setting.meaning,
    }
  })
}

/** The settings as a table in Markdown, for README.md. */
export function settingsMarkdown(): string {
  const rows = settingsHelp().map((row) => {
    const standard = settings[row.key].default === null ? `*${row.default}*` : `\`${row.default}\``
    const flag = row.flag === null ? '*none*' : `\`${row.flag.replaceAll('|', '\\|')}\``
    return `| \`${row.variable}\` | ${flag} | ${standard} | ${row.meaning} |`
  })
  return ['| Variable | Flag | Default | Meaning |', '|---|---|---|---|', ...rows, ''].join('\n')
}
