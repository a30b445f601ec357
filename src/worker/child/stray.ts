/**
 * What is thrown outside of everybody's reach (a promise nobody awaits, a timer): it ends the attempt it came from. If
 * that one has ended already nothing is lost; if it came from none, the process is not to be trusted and goes.
 */
import { inspect } from 'node:util'
import { type Attempts, current } from './attempts.ts'
import { writeRaw } from './capture.ts'
import { threw } from './verdict.ts'

export function catchStray(attempts: Attempts): void {
  process.on('uncaughtException', (thrown, origin) => {
    const attempt = current.getStore()
    if (attempt === undefined) die(thrown)
    const code = origin === 'unhandledRejection' ? 'unhandled_rejection' : 'uncaught_exception'
    // Whatever it says of itself: the rest of the function may go on.
    attempts.settle(attempt, { ...threw(thrown, code), effectUnknown: true })
  })
}

function die(thrown: unknown): never {
  writeRaw(2, `${inspect(thrown)}\n`)
  process.exit(1)
}
