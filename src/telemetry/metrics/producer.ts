/** The tallies as OpenTelemetry's readers collect them. */
import { type HrTime, ValueType } from '@opentelemetry/api'
import { hrTime } from '@opentelemetry/core'
import { resources, metrics as sdk } from '@opentelemetry/sdk-node'
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
    async collect(): Promise<sdk.CollectionResult> {
      await refresh()
      const endTime = hrTime()
      const metrics = [...tallies.all].filter(({ series }) => series.size > 0)
      const scopeMetrics = [
        { scope: { name: scopeName }, metrics: metrics.map((each) => dataOf(each, endTime, suffixes)) },
      ]
      return { resourceMetrics: { resource: resources.emptyResource(), scopeMetrics }, errors: [] }
    },
  }
}

function dataOf({ metric, series }: Tally<Count> | Tally<Spread>, endTime: HrTime, suffixes: boolean): sdk.MetricData {
  const same = {
    descriptor: {
      name: suffixes ? metric.name + (suffixOf[metric.unit] ?? '') : metric.name,
      description: metric.about,
      unit: metric.unit,
      valueType: ValueType.DOUBLE,
    },
    aggregationTemporality: sdk.AggregationTemporality.CUMULATIVE,
  }
  const all = [...series.values()] as (Count | Spread)[]
  const points = all.map((each) => ({ startTime, endTime, attributes: each.labels, value: amountOf(each) }))
  return { ...same, ...kinds[metric.kind], dataPoints: points } as sdk.MetricData
}

const kinds: Readonly<Record<Metric['kind'], object>> = {
  counter: { dataPointType: sdk.DataPointType.SUM, isMonotonic: true },
  gauge: { dataPointType: sdk.DataPointType.GAUGE },
  histogram: { dataPointType: sdk.DataPointType.HISTOGRAM },
}

function amountOf(each: Count | Spread) {
  if (each instanceof Count) return each.value
  const { counts, sum, count, least: min, most: max } = each
  return { buckets: { boundaries: [...boundaries], counts: [...counts] }, sum, count, min, max, hasMinMax: count > 0 }
}

/** https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/#metric-metadata-1 */
const suffixOf: Readonly<Record<string, string>> = { s: '.seconds', By: '.bytes', '1': '.ratio' }
