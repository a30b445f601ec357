import { homedir } from 'node:os'
import { join } from 'node:path'

/** A folder of ours for what can be made again: `$XDG_CACHE_HOME` or `~/.cache`, then `millrace/<name>`. */
export function cacheDir(name: string): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'millrace', name)
}
