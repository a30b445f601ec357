/** Durations as a workflow file writes them: `50ms`, `2s`, `1m`, `8h`, `7d`, and together `1h30m`. Null too for what no clock counts to. */
export function parseDuration(text: string): number | null {
  if (!durationPattern.test(text)) return null
  let totalMs = 0
  for (const [, digits, unit] of text.matchAll(part)) totalMs += Number(digits) * unitMs[unit as Unit]
  return Number.isSafeInteger(totalMs) ? totalMs : null
}

/** Whole numbers, largest unit first, each unit at most once, at least one of them. */
export const durationPattern = /^(?=\d)(?:\d{1,9}d)?(?:\d{1,9}h)?(?:\d{1,9}m)?(?:\d{1,9}s)?(?:\d{1,9}ms)?$/

/** The shortest text of so many milliseconds. */
export function formatDuration(ms: number): string {
  let rest = ms
  let text = ''
  for (const unit of ['d', 'h', 'm', 's', 'ms'] as const) {
    const count = Math.floor(rest / unitMs[unit])
    if (count > 0) text += `${count}${unit}`
    rest -= count * unitMs[unit]
  }
  return text || '0ms'
}

/** What the author of `5`, `30 sec` or `1.5h` probably meant, or null. */
export function guessDuration(value: unknown): string | null {
  if (typeof value === 'number' && Number.isInteger(value) && value > 0) return `${value}s or ${value}ms`
  const match = typeof value === 'string' ? loose.exec(value) : null
  const unit = match && looseUnits[match[2]!.toLowerCase()]
  return unit ? formatDuration(Math.round(Number(match[1]) * unitMs[unit])) : null
}

type Unit = 'ms' | 's' | 'm' | 'h' | 'd'

const unitMs: Record<Unit, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }
const part = /(\d+)(ms|[smhd])/g
const loose = /^\s*(\d{1,9}(?:\.\d{1,3})?)\s*([a-z]+)\s*$/i
const looseUnits: Record<string, Unit | undefined> = Object.assign(Object.create(null), {
  ...{ ms: 'ms', msec: 'ms', msecs: 'ms', millis: 'ms', millisecond: 'ms', milliseconds: 'ms' },
  ...{ s: 's', sec: 's', secs: 's', second: 's', seconds: 's' },
  ...{ m: 'm', min: 'm', mins: 'm', minute: 'm', minutes: 'm' },
  ...{ h: 'h', hr: 'h', hrs: 'h', hour: 'h', hours: 'h', d: 'd', day: 'd', days: 'd' },
})
