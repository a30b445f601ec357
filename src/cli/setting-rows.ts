/** The table of settings as text, for the docs and for `millrace settings`. */
import type { Setting } from '../setting-kinds.ts'
import { settings } from '../settings.ts'

export interface SettingRow {
  readonly env: string
  /** In `millrace.config.yaml`; a dot is a level. */
  readonly name: string
  readonly expects: string
  /** Empty: there is none. */
  readonly byDefault: string
  readonly about: string
}

export function settingRows(): SettingRow[] {
  return Object.entries(settings as unknown as Record<string, Setting<unknown>>).map(([name, setting]) => ({
    env: setting.env,
    name,
    expects: setting.kind.expects,
    byDefault: setting.kind.show(setting.byDefault),
    about: setting.about,
  }))
}
