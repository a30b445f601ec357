/** What came of it: tables for people, one object for programs. */
import { cpus, loadavg } from 'node:os'
import { type Align, table } from '../demo/table.ts'
import type { Compared } from './compare.ts'
import type { Cost, Drained, Paced } from './measure.ts'

/** What others asked of the machine in the minute before. */
const load = Number((loadavg()[0] ?? 0).toFixed(1))

/** Where and when, as a figure without them says little. */
export function circumstances() {
  const models = cpus().map(({ model }) => model)
  return {
    load,
    at: new Date().toISOString(),
    node: process.version,
    cores: models.length,
    cpu: models[0] ?? 'unknown',
  }
}

export function tablesOf(all: readonly Compared[]): string[] {
  const { at, node, cores, cpu, load: before } = circumstances()
  const head = `${at.slice(0, 16).replace('T', ' ')}, Node ${node.slice(1)}, ${cores} cores (${cpu}), load before ${before}`
  const wide = all.filter(({ load }) => load.paces.length > 0)
  const narrow = all.filter(({ load }) => load.paces.length === 0)
  return [
    head,
    ...wide.flatMap((each) => ['', ...oneTable(each)]),
    ...(narrow.length > 0 ? ['', ...summary(narrow)] : []),
  ]
}

type Row = readonly [what: string, floor: string, engine: string, more: string]

function oneTable({ part, case: label, rounds, load, floor, engine, ratio, ratios }: Compared): string[] {
  const rows: Row[] = [
    ['', 'floor', 'engine', ''],
    [
      'drain: transactions a second',
      whole(floor.drained.perSecond),
      whole(engine.drained.perSecond),
      ofFloor(ratio, ratios),
    ],
    ...costRows('drain', floor.drained, engine.drained),
    ['drain: memory, MiB at most', whole(floor.drained.peakMb), whole(engine.drained.peakMb), ''],
    ...load.paces.flatMap(({ perSecond }, at) =>
      pacedRows(`${whole(perSecond)}/s`, floor.paced[at] as Paced, engine.paced[at] as Paced),
    ),
  ]
  return [`${part}: ${label}; medians of ${rounds}`, ...table(rows, ['left', 'right', 'right', 'left'])]
}

function pacedRows(rate: string, floor: Paced, engine: Paced): Row[] {
  const latency = ({ p50, p95, p99, max }: Paced) => [p50, p95, p99, max].map((ms) => ms.toFixed(1)).join(' / ')
  const late = Math.max(floor.producerLateMs, engine.producerLateMs)
  return [
    [
      `${rate}: publish to ended, ms p50 / p95 / p99 / max`,
      latency(floor),
      latency(engine),
      late > 20 ? `producer late by ${late} ms` : '',
    ],
    ...costRows(rate, floor, engine),
  ]
}

function costRows(when: string, floor: Cost, engine: Cost): Row[] {
  const cpu = ({ coordinatorCpuPer1000: main, workersCpuPer1000: workers, postgresCpuPer1000: postgres }: Cost) =>
    [main, workers, postgres].map((seconds) => (seconds === null ? '?' : precise(seconds))).join(' + ')
  return [
    [
      `${when}: CPU s per 1,000, main + workers + Postgres`,
      cpu(floor),
      cpu(engine),
      times(cpuOf(engine) / cpuOf(floor)),
    ],
    [`${when}: commits, WAL B per transaction`, ofLedger(floor), ofLedger(engine), ''],
    [`${when}: calls per worker frame`, floor.callsPerFrame.toFixed(1), engine.callsPerFrame.toFixed(1), ''],
  ]
}

/** Of all that was measured together. */
export const cpuOf = ({
  coordinatorCpuPer1000: main,
  workersCpuPer1000: workers,
  postgresCpuPer1000: postgres,
}: Cost) => main + workers + (postgres ?? 0)
const times = (factor: number) => `${factor.toFixed(1)} times the floor's`
const ofLedger = ({ commits, walBytes }: Cost) => `${precise(commits)}, ${whole(walBytes)}`

function summary(all: readonly Compared[]): string[] {
  const rows = all.map(({ part, case: label, floor, engine, ratio }) => [
    part,
    label,
    whole(floor.drained.perSecond),
    whole(engine.drained.perSecond),
    ratio.toFixed(2),
    precise(cpuOf(floor.drained)),
    precise(cpuOf(engine.drained)),
    whole(floor.drained.peakMb),
    whole(engine.drained.peakMb),
    capOf(engine.drained),
  ])
  const head = [
    'part',
    'case',
    'floor/s',
    'engine/s',
    'ratio',
    'floor CPU s/1,000',
    'engine CPU s/1,000',
    'floor MiB',
    'engine MiB',
    'the engine at most',
  ]
  const align: Align[] = ['left', 'left', ...Array.from({ length: 7 }, (): Align => 'right'), 'left']
  return table([head, ...rows], align)
}

/** What it had at most at once: who waits for whom is seen there. */
function capOf({ running, processes, calls, callsWaiting }: Drained): string {
  return `${whole(running)} running, ${calls} calls in ${processes} processes, ${whole(callsWaiting)} waiting`
}

function ofFloor(ratio: number, ratios: readonly number[]): string {
  return `${ratio.toFixed(2)} of the floor (${ratios.map((each) => each.toFixed(2)).join(' ')})`
}

const whole = (number: number) => Math.round(number).toLocaleString('en-US')
const precise = (number: number) =>
  number >= 10 ? number.toFixed(1) : number >= 1 ? number.toFixed(2) : number.toFixed(3)
