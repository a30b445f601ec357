/** What a server said last, for the error that says why it did not start: the end of its log without Java's stack frames. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'

/** Enough for a cause and its context, short enough to read in a terminal. */
const linesMax = 10
const tailBytes = 16 * 1024
const lineCharsMax = 400

/** The last lines of a log file, oldest first; empty when there is none. */
export function lastLines(logFile: string): string[] {
  return tailOf(logFile)
    .split('\n')
    .filter((line) => line.trim() !== '' && !/^\s+at |^\s+\.\.\. \d+ more/.test(line))
    .slice(-linesMax)
    .map((line) => line.slice(0, lineCharsMax))
}

function tailOf(file: string): string {
  let fd: number
  try {
    fd = openSync(file, 'r')
  } catch {
    return ''
  }
  try {
    const buffer = Buffer.alloc(tailBytes)
    const from = Math.max(0, fstatSync(fd).size - tailBytes)
    return buffer.toString('utf8', 0, readSync(fd, buffer, 0, tailBytes, from))
  } finally {
    closeSync(fd)
  }
}
