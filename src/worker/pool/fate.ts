/** What the end of a process means for the attempts that ran in it. */
import type { InvocationResult } from '../port.ts'
import { type Entry, ended } from './entry.ts'

/** Why a process ended. */
export interface Cause {
  /** The attempt's `errorCode` if it was the only one; also the reason of the telemetry's `worker.gone`. */
  readonly code: string
  readonly message: string
  /** The attempt that caused it is known, and is not among those that are left. */
  readonly settled?: boolean
}

/** Of the standard error: V8's word about its heap stands before a long native stack. */
export const tailBytes = 8192

/** Of that in a crash's message. */
const saidCharsMax = 1000

/** One attempt alone is guilty. Of several nobody knows which it was: all are lost, and may be run again, alone. */
export function fateOf(entries: readonly Entry[], cause: Cause): InvocationResult[] {
  const guilty = entries.length === 1 && cause.settled !== true
  return entries.map((entry) =>
    guilty
      ? ended(entry, 'crash', cause.code, cause.message)
      : ended(entry, 'lost', 'lost_with_process', `its process ended with other attempts in it: ${cause.message}`),
  )
}

/** In place of its last words, which may be of somebody else's attempt. */
const withheld = '; what it said is withheld, for it was given secret fields'

/** Why a process that nobody killed has ended. */
export function causeOfExit(
  code: number | null,
  signal: NodeJS.Signals | null,
  tail: string,
  isSecret: boolean,
): Cause {
  if (tail.includes('heap out of memory')) return { code: 'out_of_memory', message: 'the process ran out of its heap' }
  const said = tail === '' ? '' : isSecret ? withheld : `; it said: ${tail.slice(-saidCharsMax)}`
  if (signal !== null) return { code: 'killed', message: `the process was killed by ${signal}${said}` }
  return { code: 'exited', message: `the process exited with code ${code}${said}` }
}
