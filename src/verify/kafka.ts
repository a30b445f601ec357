/** What Kafka still holds, against what the ledger says was there. Kafka is asked after the ledger, which only grows. */
import { EngineError } from '../base/error.ts'
import type { RawRecord } from '../envelope/record.ts'
import type { Sealer } from '../envelope/seal.ts'
import { Content } from './content.ts'
import type { Finding, Judgement } from './finding.ts'
import { Held } from './held.ts'
import type { LaneFacts, World } from './world.ts'

export interface Span {
  readonly topic: string
  readonly partition: number
  readonly fromOffset: number
  /** The offset after its last one. */
  readonly toOffset: number
}

export interface KafkaView {
  /** Null: Kafka has no such topic. */
  bounds(topic: string): Promise<ReadonlyMap<number, { readonly earliest: number; readonly latest: number }> | null>
  /** Kafka's id of the topic; empty when it cannot be told. */
  incarnation(topic: string): Promise<string>
  /** Null: it may not be asked. */
  isCompacted(topic: string): Promise<boolean | null>
  /** Streams the records of these spans, in order within each; answers with what could not be had. */
  read(
    spans: readonly Span[],
    take: (part: Span & { readonly records: readonly RawRecord[] }) => Promise<void>,
  ): Promise<readonly Span[]>
}

export interface LaneReport {
  readonly engine: string
  readonly topic: string
  readonly partition: number
  readonly nextOffset: number | null
  readonly earliest: number | null
  readonly latest: number | null
  /** Records that Kafka holds and the ledger has not read: no wrong, but to be seen. */
  readonly lag: number | null
  /** Why it was not compared with Kafka; null when it was. */
  readonly notCompared: string | null
}

export interface KafkaReport {
  readonly lanes: readonly LaneReport[]
  readonly records: number
  readonly notes: readonly string[]
  readonly judgements: readonly Judgement[]
}

/** `sample`: about so many records are compared with what was made of them; `sealer` as in `VerifyOptions`. */
export async function compareWithKafka(
  world: World,
  kafka: KafkaView,
  { sample, sealer }: { readonly sample: number; readonly sealer: Sealer | null },
  progress: (records: number) => void,
): Promise<KafkaReport> {
  const startedMs = performance.now()
  const topics = await topicsOf(world, kafka)
  const lanes = world.lanes.map((lane) => reportOf(lane, topics.get(lane.topic) ?? null))
  const compared = world.lanes.filter((_, at) => lanes[at]?.notCompared === null)
  const loose = looseTopics(topics)
  const spans = spansOf(lanes.filter((lane) => lane.notCompared === null))
  const held = new Held(world, compared, loose)
  const content = new Content({ ...world, lanes: compared }, spans, sample, sealer)
  let records = 0
  const left = await kafka.read(spans, async (part) => {
    records += part.records.length
    await held.take(part)
    await content.take(part)
    progress(records)
  })
  const notes = [...loose.values(), ...left.map((span) => noteOf(span, loose))]
  const judgements = [endsOf(lanes, startedMs), await held.judge(), await content.judge()]
  return { lanes, records, notes, judgements }
}

/** Of a compacted topic the last offsets may hold nothing at all. */
function noteOf({ topic, partition, fromOffset, toOffset }: Span, loose: ReadonlyMap<string, string>): string {
  const what = `${topic}/${partition}: Kafka gave nothing for offsets ${fromOffset} to ${toOffset - 1}`
  if (loose.has(topic)) return what
  throw new EngineError('kafka_outage', `${what}, though it says that they are there`, { retryable: true })
}

interface TopicFacts {
  readonly bounds: Awaited<ReturnType<KafkaView['bounds']>>
  readonly incarnation: string
  readonly compacted: boolean | null
}

async function topicsOf({ lanes }: World, kafka: KafkaView): Promise<Map<string, TopicFacts>> {
  const topics = new Map<string, TopicFacts>()
  for (const topic of new Set(lanes.map((lane) => lane.topic))) {
    const bounds = await kafka.bounds(topic)
    if (bounds === null) topics.set(topic, { bounds, incarnation: '', compacted: null })
    else
      topics.set(topic, {
        bounds,
        incarnation: await kafka.incarnation(topic),
        compacted: await kafka.isCompacted(topic),
      })
  }
  return topics
}

function reportOf(lane: LaneFacts, topic: TopicFacts | null): LaneReport {
  const { engine, partition, nextOffset } = lane
  const bounds = topic?.bounds?.get(partition)
  const report = { engine, topic: lane.topic, partition, nextOffset, earliest: null, latest: null, lag: null }
  if (!topic?.bounds) return { ...report, notCompared: 'Kafka has no such topic' }
  const { incarnation } = topic
  if (incarnation !== '' && lane.incarnation !== '' && incarnation !== lane.incarnation) {
    const why = `of an earlier topic of this name (${lane.incarnation}): Kafka has ${incarnation} now`
    return { ...report, notCompared: why }
  }
  if (!bounds) return { ...report, notCompared: 'Kafka has no such partition' }
  if (nextOffset === null) return { ...report, ...bounds, notCompared: 'the ledger has no next offset of it' }
  const lag = Math.max(bounds.latest - Math.max(nextOffset, bounds.earliest), 0)
  return { ...report, ...bounds, lag, notCompared: null }
}

/** Topics of which a record may be gone though its neighbours are there, and the sentence that says so. */
function looseTopics(topics: ReadonlyMap<string, TopicFacts>): ReadonlyMap<string, string> {
  const loose = [...topics].filter(([, { bounds, compacted }]) => bounds !== null && compacted !== false)
  return new Map(
    loose.map(([topic, { compacted }]) => {
      const why = compacted ? 'is compacted' : 'may be compacted (its configuration may not be read)'
      return [topic, `${topic} ${why}: what the ledger has and Kafka has not is not taken for a wrong`]
    }),
  )
}

/** Lanes of two engines on one partition are read once. */
function spansOf(lanes: readonly LaneReport[]): Span[] {
  const spans = new Map<string, Span>()
  for (const { topic, partition, earliest, latest, nextOffset } of lanes) {
    const name = `${topic}/${partition}`
    const toOffset = Math.max(Math.min(latest ?? 0, nextOffset ?? 0), spans.get(name)?.toOffset ?? 0)
    spans.set(name, { topic, partition, fromOffset: earliest ?? 0, toOffset })
  }
  return [...spans.values()].filter((span) => span.toOffset > span.fromOffset)
}

/** Kafka ends before the ledger's place: it has lost records that it had given. */
function endsOf(lanes: readonly LaneReport[], startedMs: number): Judgement {
  const findings = lanes.flatMap(({ topic, partition, nextOffset, latest, notCompared }) => {
    if (notCompared !== null || (nextOffset ?? 0) <= (latest ?? 0)) return []
    const finding: Finding = {
      check: 'ends',
      kind: 'beyond_end',
      topic,
      partition,
      offset: nextOffset,
      workflow: null,
      id: null,
      expected: `next_offset at most ${latest}, where Kafka ends`,
      found: `next_offset ${nextOffset}`,
      look: 'millrace_data.lane_progress: next_offset was changed; else Kafka has lost records that it had given',
    }
    return [finding]
  })
  return {
    check: 'ends',
    holds: 'no lane has been read beyond the end of its partition',
    wrong: findings.length,
    kinds: findings.length > 0 ? { beyond_end: findings.length } : {},
    findings: findings.slice(0, 1),
    tookMs: Math.round(performance.now() - startedMs),
  }
}
