/**
 * Numbers, added up as they come. OpenTelemetry's instruments look each one's series up by a text of its attributes; at 30
 * numbers a transaction that is a tenth of all that a transaction costs. Here whoever measures often holds on to the series.
 */
import { type Metric, type MetricName, metrics } from '../names.ts'

export type Labels = Readonly<Record<string, string>>

/** Series of one metric: what comes beyond is added up in one that says so, as OpenTelemetry has it. */
const seriesMax = 2000
const overflow: Labels = { 'otel.metric.overflow': 'true' }

/** Upper bounds of a histogram's buckets, in seconds: from a commit of a millisecond to a transaction of an hour. */
export const boundaries: readonly number[] = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 3600,
]

export class Count {
  readonly labels: Labels
  value = 0

  constructor(labels: Labels) {
    this.labels = labels
  }

  add(more: number): void {
    this.value += more
  }

  set(value: number): void {
    this.value = value
  }
}

export class Spread {
  readonly labels: Labels
  readonly counts: number[] = Array(boundaries.length + 1).fill(0)
  count = 0
  sum = 0
  least = Number.POSITIVE_INFINITY
  most = Number.NEGATIVE_INFINITY

  constructor(labels: Labels) {
    this.labels = labels
  }

  record(seconds: number): void {
    let at = 0
    while (at < boundaries.length && seconds > (boundaries[at] as number)) at++
    this.counts[at] = (this.counts[at] as number) + 1
    this.count++
    this.sum += seconds
    if (seconds < this.least) this.least = seconds
    if (seconds > this.most) this.most = seconds
  }
}

/** The series of one metric. */
export class Tally<Series extends Count | Spread> {
  readonly metric: Metric
  readonly series = new Map<string, Series>()
  readonly #make: (labels: Labels) => Series

  constructor(metric: Metric, make: (labels: Labels) => Series) {
    this.metric = metric
    this.#make = make
  }

  of(labels: Labels = {}): Series {
    const known = this.series.get(textOf(labels))
    if (known !== undefined) return known
    const own = this.series.size < seriesMax ? labels : overflow
    const made = this.series.get(textOf(own)) ?? this.#make(own)
    this.series.set(textOf(own), made)
    return made
  }
}

/** Each metric once, whoever asks. */
export class Tallies {
  readonly #tallies = new Map<MetricName, Tally<Count> | Tally<Spread>>()

  get all(): Iterable<Tally<Count> | Tally<Spread>> {
    return this.#tallies.values()
  }

  counter(name: MetricName): Tally<Count> {
    return this.#of(name, 'counter', (labels) => new Count(labels))
  }

  gauge(name: MetricName): Tally<Count> {
    return this.#of(name, 'gauge', (labels) => new Count(labels))
  }

  histogram(name: MetricName): Tally<Spread> {
    return this.#of(name, 'histogram', (labels) => new Spread(labels))
  }

  #of<Series extends Count | Spread>(name: MetricName, kind: Metric['kind'], make: (labels: Labels) => Series) {
    const metric = metrics[name]
    if (metric.kind !== kind) throw new Error(`${metric.name} is a ${metric.kind}, not a ${kind}`)
    const known = this.#tallies.get(name) as Tally<Series> | undefined
    const tally = known ?? new Tally(metric, make)
    this.#tallies.set(name, tally as never)
    return tally
  }
}

function textOf(labels: Labels): string {
  return JSON.stringify(labels)
}
