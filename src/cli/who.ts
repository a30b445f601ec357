/** Who asks: kept with what was asked. */
import { hostname, userInfo } from 'node:os'

export function whoAsks(by: string | undefined): string {
  return by ?? `${userName()}@${hostname()}`
}

/** A user id without a name, as in many containers, has no entry to read. */
function userName(): string {
  try {
    return userInfo().username
  } catch {
    return process.getuid === undefined ? 'unknown' : `uid-${process.getuid()}`
  }
}
