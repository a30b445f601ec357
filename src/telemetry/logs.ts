/** Structured logs: subscribes to every channel and writes JSON lines, or lines of text for people. */
import pino from 'pino'
import { type FactName, type Facts, subscribe } from './channels.ts'
import { type Level, tellings } from './entries.ts'
import { Flood } from './flood.ts'
import { textLine } from './text-line.ts'

export interface LogOptions {
  readonly level: Level
  readonly format: 'json' | 'text'
  /** Colours in text. */
  readonly colours?: boolean
  /** Takes whole lines. */
  readonly write: (line: string) => void
}

export interface Logs extends Disposable {
  stop(): void
}

type Say = (level: Level, message: string, details: object) => void

export function startLogs(options: LogOptions): Logs {
  const say = options.format === 'json' ? jsonLines(options) : textLines(options)
  const stops = (Object.keys(tellings) as FactName[]).map((name) => listen(name, options.level, say))
  const stop = () => {
    for (const each of stops.splice(0)) each()
  }
  return { stop, [Symbol.dispose]: stop }
}

function listen<Name extends FactName>(name: Name, least: Level, say: Say): () => void {
  const { many, say: telling } = tellings[name]
  const flood = many === undefined ? null : new Flood((count) => say('warn', `${count} more ${many}`, { fact: name }))
  const unsubscribe = subscribe(name, (fact: Facts[Name]) => {
    const { level, message } = telling(fact)
    if (order[level] < order[least] || (flood && level !== 'debug' && !flood.admits())) return
    say(level, message, { fact: name, ...detailsOf(fact) })
  })
  return () => {
    unsubscribe()
    flood?.flush()
  }
}

const order: Readonly<Record<Level, number>> = { debug: 0, info: 1, warn: 2, error: 3 }

/** What a notice says is in the line already. */
function detailsOf(fact: object): object {
  const { level: _, message, ...rest } = fact as { level?: unknown; message?: unknown }
  return message === undefined || 'level' in fact ? rest : { ...rest, cause: message }
}

function jsonLines({ level, write }: LogOptions): Say {
  const logger = pino(
    { level, base: { pid: process.pid }, timestamp: pino.stdTimeFunctions.isoTime, formatters: { level: nameLevel } },
    { write },
  )
  return (at, message, details) => logger[at](details, message)
}

function nameLevel(level: string): { level: string } {
  return { level }
}

function textLines({ colours = false, write }: LogOptions): Say {
  return (level, message, details) => write(textLine(new Date(), level, message, details, colours))
}
