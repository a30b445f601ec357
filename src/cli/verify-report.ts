/** What `verify` found, for people: a line a check, then the first thing that is wrong with all that is known of it. */
import { type Finding, type Judgement, placeOf } from '../verify/finding.ts'
import type { LaneReport } from '../verify/kafka.ts'
import type { Report } from '../verify/verify.ts'
import { type Paint, paintFor } from './paint.ts'
import { counted } from './problems.ts'
import { oneLine } from './table.ts'

export function reportLines(report: Report): string[] {
  const paint = paintFor(process.stdout)
  const nameChars = Math.max(...report.checks.map(({ check }) => check.length))
  return [
    ...report.checks.map((each) => checkLine(each, nameChars, paint)),
    ...firstLines(report.first, paint),
    '',
    ...report.lanes.flatMap(laneLines),
    ...report.notes.map((note) => `note: ${note}`),
    summary(report, paint),
  ]
}

function checkLine({ check, holds, wrong, kinds }: Judgement, nameChars: number, paint: Paint): string {
  const name = check.padEnd(nameChars)
  if (wrong === 0) return `${paint('green', 'ok   ')}  ${name}  ${holds}`
  const parts = Object.entries(kinds).map(([kind, count]) => `${count} ${kind}`)
  return `${paint('red', 'WRONG')}  ${name}  ${parts.join(', ')}`
}

function firstLines(first: Finding | null, paint: Paint): string[] {
  if (first === null) return []
  return [
    '',
    paint('bold', `To be looked at first: ${first.kind} (${first.check})`),
    `  where     ${oneLine(placeOf(first)) || 'not told'}`,
    `  expected  ${oneLine(first.expected)}`,
    `  found     ${oneLine(first.found)}`,
    `  look at   ${first.look}`,
  ]
}

/** A lane without anything to say has no line. */
function laneLines({ topic, partition, engine, lag, notCompared, earliest, nextOffset }: LaneReport): string[] {
  const name = `${topic}/${partition} (engine ${engine})`
  if (notCompared !== null) return [`note: ${name} was not compared with Kafka: ${notCompared}`]
  const gone = (earliest ?? 0) - (nextOffset ?? 0)
  return [
    ...(gone > 0
      ? [`note: ${name}: Kafka has forgotten ${gone} offsets from ${nextOffset} on that were not read`]
      : []),
    ...(lag
      ? [`lag: ${name}: ${counted(lag, 'offset')} from ${Math.max(nextOffset ?? 0, earliest ?? 0)} on not read yet`]
      : []),
  ]
}

function summary(report: Report, paint: Paint): string {
  const { ok, wrong, transactions, records, lanes, tookMs } = report
  const looked = `${counted(transactions, 'transaction')}, ${counted(records, 'record')} of Kafka, ${counted(lanes.length, 'lane')}`
  const end = ok
    ? paint('green', 'all is well')
    : paint('red', counted(wrong, 'thing') + (wrong === 1 ? ' is wrong' : ' are wrong'))
  return `${end}: ${looked} in ${(tookMs / 1000).toFixed(1)} s`
}
