/** OpenTelemetry's instruments for the names there are, each made when it is first asked for. */
import type { Counter, Gauge, Histogram, Meter, Observable } from '@opentelemetry/api'
import { type Metric, type MetricName, metrics } from '../names.ts'

/** From a commit of a millisecond to a transaction of an hour, in seconds. */
const boundaries = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 3600]

export class Instruments {
  readonly #meter: Meter
  readonly #suffixes: boolean

  /** `suffixes`: the unit is a part of the name, as Prometheus has it; its exporter leaves that to us. */
  constructor(meter: Meter, suffixes: boolean) {
    this.#meter = meter
    this.#suffixes = suffixes
  }

  counter(which: MetricName): Counter {
    const { name, ...more } = this.#options(which, 'counter')
    return this.#meter.createCounter(name, more)
  }

  gauge(which: MetricName): Gauge {
    const { name, ...more } = this.#options(which, 'gauge')
    return this.#meter.createGauge(name, more)
  }

  histogram(which: MetricName): Histogram {
    const { name, ...more } = this.#options(which, 'histogram')
    return this.#meter.createHistogram(name, { ...more, advice: { explicitBucketBoundaries: boundaries } })
  }

  /** Looked at when somebody collects. */
  observed(which: MetricName): Observable {
    const { name, ...more } = this.#options(which, 'observed')
    return this.#meter.createObservableGauge(name, more)
  }

  /** The same, of what only grows. */
  total(which: MetricName): Observable {
    const { name, ...more } = this.#options(which, 'total')
    return this.#meter.createObservableCounter(name, more)
  }

  #options(which: MetricName, kind: Metric['kind']) {
    const { name, unit, about, kind: own }: Metric = metrics[which]
    if (own !== kind) throw new Error(`${name} is a ${own}, not a ${kind}`)
    return { name: this.#suffixes ? name + (suffixOf[unit] ?? '') : name, unit, description: about }
  }
}

/** https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/#metric-metadata-1 */
const suffixOf: Readonly<Record<string, string>> = { s: '.seconds', By: '.bytes', '1': '.ratio' }
