/** A file that somebody names on the command line, as text. */
import { readFile, stat } from 'node:fs/promises'
import { EngineError, messageOf } from '../base/error.ts'

/** Throws `EngineError` `unreadable_file`. */
export async function readText(file: string, bytesMax: number): Promise<string> {
  try {
    const { size } = await stat(file)
    if (size > bytesMax) throw new Error(`it has ${size} bytes, at most ${bytesMax} are taken at once`)
    return await readFile(file, 'utf8')
  } catch (cause) {
    throw new EngineError('unreadable_file', `${file} cannot be read: ${messageOf(cause)}`, { cause })
  }
}
