/** The logs of `dev` and `run`, by the settings. */
import type { Config } from '../config.ts'
import { type Logs, startLogs } from '../telemetry/logs.ts'
import { hasColours } from './paint.ts'

/** Text where a person looks, JSON lines where a program does. */
export function formatOf(config: Config, to: NodeJS.WriteStream): 'json' | 'text' {
  const format = config['log.format']
  if (format !== 'auto') return format
  return to.isTTY ? 'text' : 'json'
}

export function logsTo(config: Config, to: NodeJS.WriteStream): Logs {
  return startLogs({
    level: config['log.level'],
    format: formatOf(config, to),
    functions: config['log.functions'],
    colours: hasColours(to),
    write: (line) => void to.write(line),
  })
}
