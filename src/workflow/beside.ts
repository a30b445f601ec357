/** Reads the files that a workflow file names: out of its own folder alone, whatever links say, and no larger than may be. */
import { readFileSync, realpathSync, statSync } from 'node:fs'
import { dirname, join, sep } from 'node:path'
import { messageOf } from '../base/error.ts'
import { storableText } from '../base/utf8.ts'
import type { Beside } from './enclosed.ts'
import { limits } from './limits.ts'
import { type Finding, finding } from './problem.ts'

export function besideOf(file: string): Beside {
  return (path) => {
    try {
      return read(dirname(file), path)
    } catch (error) {
      const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT'
      const message = isMissing ? `there is no file ${path}` : `${path} cannot be read (${messageOf(error)})`
      return finding('unreadable_file', message, 'a file beside the workflow file', 'create it, or mend its path')
    }
  }
}

function read(dir: string, path: string): string | Finding {
  const folder = realpathSync(dir)
  const real = realpathSync(join(folder, path))
  if (!real.startsWith(folder + sep)) {
    return finding('unreadable_file', `${path} leads out of the folder`, 'a file inside of it', 'put the file there')
  }
  const { size } = statSync(real)
  if (size > limits.schemaBytesMax) {
    return finding('limit', `${path} has ${size} bytes`, `at most ${limits.schemaBytesMax}`, 'make it smaller')
  }
  return decode(path, readFileSync(real))
}

function decode(path: string, bytes: Buffer): string | Finding {
  const text = storableText(bytes)
  if (text !== null) return text.replace(/^\uFEFF/, '')
  return finding('not_text', `${path} is not text`, 'UTF-8', 'save the file as UTF-8 without NUL')
}
