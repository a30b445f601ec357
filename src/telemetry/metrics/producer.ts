/** The tallies as OpenTelemetry's readers collect them. */
import { type HrTime, ValueType } from '@opentelemetry/api'
import { hrTime } from '@opentelemetry/core'
import { emptyResource } from '@opentelemetry/resources'
import {
  AggregationTemporality,
  type CollectionResult,
  DataPointType,
  type MetricData,
} from '@opentelemetry/sdk-metrics'
import { type Metric, scopeName } from '../names.ts'
import { boundaries, Count, type Spread, type Tallies, type Tally } from './tally.ts'

/** Since when all is counted. */
const startTime = hrTime()

/**
 * `refresh` looks at what is only known when somebody asks. `suffixes`: the unit is a part of the name, as Prometheus has
 * it; its exporter leaves that to us.
 */
export function producerOf(tallies: Tallies, refresh: () => Promise<void>, suffixes: boolean) {
  return {
    async collect(): Promise<CollectionResult> {
      await refresh()
      const endTime = hrTime()
      const metrics = [...tallies.all].filter(({ series }) => series.size > 0)
      const scopeMetrics = [
        { scope: { name: scopeName }, metrics: metrics.map((each) => dataOf(each, endTime, suffixes)) },
      ]
      return { resourceMetrics: { resource: emptyResource(), scopeMetrics }, errors: [] }
    },
  }
}

function dataOf({ metric, series }: Tally<Count> | Tally<Spread>, endTime: HrTime, suffixes: boolean): MetricData {
  const same = {
    descriptor: {
      name: suffixes ? metric.name + (suffixOf[metric.unit] ?? '') : metric.name,
      description: metric.about,
      unit: metric.unit,
      valueType: ValueType.DOUBLE,
    },
    aggregationTemporality: AggregationTemporality.CUMULATIVE,
  }
  const all = [...series.values()] as (Count | Spread)[]
  const points = all.map((each) => ({ startTime, endTime, attributes: each.labels, value: amountOf(each) }))
  return { ...same, ...kinds[metric.kind], dataPoints: points } as MetricData
}

const kinds: Readonly<Record<Metric['kind'], object>> = {
  counter: { dataPointType: DataPointType.SUM, isMonotonic: true },
  gauge: { dataPointType: DataPointType.GAUGE },
  histogram: { dataPointType: DataPointType.HISTOGRAM },
}

function amountOf(each: Count | Spread) {
  if (each instanceof Count) return each.value
  const { counts, sum, count, least: min, most: max } = each
  return { buckets: { boundaries: [...boundaries], counts: [...counts] }, sum, count, min, max, hasMinMax: count > 0 }
}

/** https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/#metric-metadata-1 */
const suffixOf: Readonly<Record<string, string>> = { s: '.seconds', By: '.bytes', '1': '.ratio' }
