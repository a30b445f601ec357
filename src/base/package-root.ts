/**
 * Where the package lies, for the files it ships beside its code (migrations, docker/kafka/pom.xml): in a checkout,
 * in a build's dist/ and in somebody's node_modules alike.
 */
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { assert } from './assert.ts'

/** The absolute path of the folder that holds millrace's package.json. */
export function packageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url))
  while (packageName(folder) !== 'millrace') {
    assert(dirname(folder) !== folder, `no package.json named millrace above ${fileURLToPath(import.meta.url)}`)
    folder = dirname(folder)
  }
  return folder
}

function packageName(folder: string): unknown {
  try {
    return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).name
  } catch {
    return undefined
  }
}
