/** Which images the tests start: those of the compose file, so that there is one place that names them. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { assert } from '../../src/base/assert.ts'
import { packageRoot } from '../../src/base/package-root.ts'

/** What the environment variable says, else its default in docker/compose.yaml. */
export function imageOf(variable: string): string {
  const fromEnv = process.env[variable]
  if (fromEnv) return fromEnv
  const file = join(packageRoot(), 'docker', 'compose.yaml')
  const image = new RegExp(`\\$\\{${variable}:-([^}]+)\\}`).exec(readFileSync(file, 'utf8'))?.[1]
  assert(image, `${file} has a default for ${variable}`)
  return image
}
