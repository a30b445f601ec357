/** A log line for people: the time of day, the level where it matters, the message. */
import type { Level } from './entries.ts'

/** Details are left out: the message says what a person needs, JSON lines have the rest. */
export function textLine(at: Date, level: Level, message: string, details: object, colours: boolean): string {
  const time = at.toTimeString().slice(0, 8)
  const [open, close] = colours ? [`\u001b[${codes[level]}m`, '\u001b[0m'] : ['', '']
  return `${time} ${open}${level.padEnd(5)}${close} ${message}${extraOf(details)}\n`
}

/** Of a notice, nobody knows what else it carries. */
function extraOf(details: object): string {
  const { fact, ...extra } = details as { fact?: unknown }
  if (fact !== 'notice' || Object.keys(extra).length === 0) return ''
  return ` ${Object.entries(extra)
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(' ')}`
}

const codes: Readonly<Record<Level, string>> = { debug: '2', info: '36', warn: '33', error: '31' }
