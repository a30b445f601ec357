/**
 * OpenTelemetry's SDK for Node holds what exports, from its start to its end. Nothing of the environment makes it start more
 * than that: no exporter of logs, no instrumentation, no context of its own in the coordinator.
 */
import { DiagLogLevel, diag, metrics, type ProxyTracerProvider, trace } from '@opentelemetry/api'
import { NodeSDK, type NodeSDKConfiguration } from '@opentelemetry/sdk-node'
import { publish } from './channels.ts'

type Parts = Required<Pick<NodeSDKConfiguration, 'resource' | 'sampler' | 'spanProcessors' | 'metricReaders'>>

/** Returns what sends the rest and ends it. */
export function startSdk(parts: Parts): () => Promise<void> {
  const sdk = new NodeSDK({
    ...parts,
    autoDetectResources: false,
    // Without a list it would export logs to where OTEL_EXPORTER_OTLP_ENDPOINT leads.
    logRecordProcessors: [],
    instrumentations: [],
    // It takes null for none; its type does not say so yet.
    contextManager: null as never,
    textMapPropagator: null,
  })
  const withdraw = registering(() => sdk.start())
  tellTroubles()
  return () => {
    withdraw()
    return sdk.shutdown()
  }
}

/**
 * The SDK makes itself that of the whole process. Where another engine, or the program around this one, was first, theirs
 * stands, which is no trouble: nothing here asks for it. What is ours is withdrawn with us.
 */
function registering(start: () => void): () => void {
  const tracersOf = () => (trace.getTracerProvider() as ProxyTracerProvider).getDelegate?.()
  const before = { tracers: tracersOf(), meters: metrics.getMeterProvider() }
  diag.disable()
  start()
  const own = { tracers: tracersOf(), meters: metrics.getMeterProvider() }
  return () => {
    if (own.tracers !== before.tracers && tracersOf() === own.tracers) trace.disable()
    if (own.meters !== before.meters && metrics.getMeterProvider() === own.meters) metrics.disable()
  }
}

/** The same is said once in so long: a receiver may be away for hours. */
const sayEveryMs = 60_000

/** What the SDK has to say, such as a receiver that is away, goes into the engine's log. */
export function tellTroubles(): void {
  const said = new Map<string, number>()
  const say = (message: string, ...more: unknown[]) => {
    const nowMs = performance.now()
    if (nowMs - (said.get(message) ?? Number.NEGATIVE_INFINITY) < sayEveryMs) return
    if (said.size > 100) said.clear()
    said.set(message, nowMs)
    const cause = more.map(String).join(' ').slice(0, charsMax)
    publish('notice', { level: 'warn', message: `telemetry: ${message.slice(0, charsMax)}`, ...(cause && { cause }) })
  }
  const quiet = () => undefined
  const logger = { error: say, warn: say, info: quiet, debug: quiet, verbose: quiet }
  diag.setLogger(logger, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true })
}

/** Of what the SDK says: it has whole answers of receivers in it. */
const charsMax = 500
