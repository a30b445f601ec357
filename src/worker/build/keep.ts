/** Compiled texts as files: equal content, equal name, so that nothing is written twice and nothing changes in place. */
import { createHash, randomBytes } from 'node:crypto'
import { access, mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Writes `text` under a name made of its hash. */
export async function keep(cacheDir: string, name: string, text: string): Promise<{ path: string; hash: string }> {
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 16)
  const path = join(cacheDir, `${name.replaceAll('/', '+')}-${hash}.mjs`)
  if (!(await exists(path))) await put(path, text)
  return { path, hash }
}

/** Whoever looks sees the whole file or none. */
export async function put(path: string, text: string): Promise<void> {
  const draft = `${path}.${randomBytes(6).toString('hex')}`
  await mkdir(join(path, '..'), { recursive: true })
  await writeFile(draft, text)
  await rename(draft, path)
}

export function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
