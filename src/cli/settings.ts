/** `millrace settings`: the table of src/config.ts, where people without the docs at hand can read it. */
import { configFileName } from '../config.ts'
import { print, printJson } from './print.ts'
import { type SettingRow, settingRows } from './setting-rows.ts'

export function settings({ json }: { json?: boolean }): void {
  const rows = settingRows()
  if (json) printJson(rows)
  else print([head, ...rows.map(paragraph)].join('\n\n'))
}

const head = `Each setting comes from the environment, else from ${configFileName} in the current folder, else it is the default.
A secret may be in a file of its own: NAME_FILE (nameFile in the file) says which.`

function paragraph({ env, name, expects, byDefault, about }: SettingRow): string {
  const otherwise = byDefault === '' ? '' : `; default ${byDefault}`
  return `${env}  (${name} in the file)\n  ${about}\n  ${expects}${otherwise}`
}
