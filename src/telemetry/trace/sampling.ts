/** The samplers that OpenTelemetry names, by the SDK's own rules: a ratio is of the trace's id, so all who see it decide alike. */
import { ROOT_CONTEXT, SpanKind, TraceFlags, trace } from '@opentelemetry/api'
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  ParentBasedSampler,
  type Sampler,
  SamplingDecision,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace-base'
import type { SamplerName } from '../options.ts'
import type { TraceParent } from './context.ts'
import type { Sampling } from './traces.ts'

export function samplingOf(sampler: Sampler): Sampling {
  return (traceId, parent) => {
    const { decision } = sampler.shouldSample(contextOf(parent), traceId, 'process', SpanKind.CONSUMER, {}, [])
    return decision === SamplingDecision.RECORD_AND_SAMPLED
  }
}

export function samplerOf(name: SamplerName, ratio: number): Sampler {
  if (name.startsWith('parentbased_')) return new ParentBasedSampler({ root: rootOf(name.slice(12), ratio) })
  return rootOf(name, ratio)
}

function rootOf(name: string, ratio: number): Sampler {
  if (name === 'always_on') return new AlwaysOnSampler()
  return name === 'always_off' ? new AlwaysOffSampler() : new TraceIdRatioBasedSampler(ratio)
}

function contextOf(parent: TraceParent | null) {
  if (parent === null) return ROOT_CONTEXT
  const { traceId, spanId, isSampled } = parent
  const traceFlags = isSampled ? TraceFlags.SAMPLED : TraceFlags.NONE
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags, isRemote: true })
}
