#!/usr/bin/env node
import { quietWarnings } from '../intake/warnings.ts'
/** The `millrace` command: reads the arguments, does what they say, ends with the exit code that fits. */
import { exitCodeOf } from './fail.ts'
import { program } from './program.ts'

quietWarnings()

/** `millrace list | head` closes our output early: that is no failure. */
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))

try {
  await program().parseAsync()
} catch (error) {
  process.exitCode = exitCodeOf(error)
}
// Whatever is still open by now holds nothing that matters; it must not hold the terminal either.
setTimeout(() => process.exit(), 2000).unref()
