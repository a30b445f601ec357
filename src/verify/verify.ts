/**
 * Holds the ledger against itself, against what Kafka still has, and against a provider's book; says what is wrong first.
 * The ledger is seen at one moment, and Kafka asked afterwards, so that what runs meanwhile is nobody's fault.
 */
import type { Sealer } from '../envelope/seal.ts'
import { checkBook } from './book.ts'
import { type Check, run } from './check.ts'
import { checks } from './checks/all.ts'
import type { Finding, Judgement } from './finding.ts'
import { compareWithKafka, type KafkaReport, type KafkaView } from './kafka.ts'
import { type LedgerView, readWorld, type World } from './world.ts'

export interface VerifyOptions {
  /** Null: all topics. */
  readonly topic: string | null
  readonly bookFile: string | null
  /** About so many records are compared with what was made of them. */
  readonly sample: number
  /** How far the clocks of two coordinators may be apart, in milliseconds. */
  readonly skewMs: number
  /** Opens what is sealed, to be compared, too; null: there is no key. */
  readonly sealer: Sealer | null
  /** Hears what is looked at. */
  readonly progress: (what: string) => void
}

export interface Report {
  readonly ok: boolean
  /** How many things are wrong. */
  readonly wrong: number
  /** What is to be looked at first. */
  readonly first: Finding | null
  readonly checks: readonly Judgement[]
  readonly lanes: KafkaReport['lanes']
  /** Records of Kafka that were compared. */
  readonly records: number
  readonly transactions: number
  readonly notes: readonly string[]
  readonly tookMs: number
}

export async function verify(ledger: LedgerView, kafka: KafkaView, options: VerifyOptions): Promise<Report> {
  const startedMs = performance.now()
  const { topic, bookFile, skewMs, progress } = options
  const world = await readWorld(ledger, topic, skewMs)
  const judgements = await runAll(world, progress)
  const told = (records: number) => progress(`records of Kafka: ${records}`)
  const compared = await compareWithKafka(world, kafka, options, told)
  judgements.splice(placeOfKafka, 0, ...compared.judgements)
  if (bookFile !== null) {
    progress('book')
    judgements.push(await checkBook(bookFile, world))
  }
  return {
    ...summed(judgements),
    checks: judgements,
    lanes: compared.lanes,
    records: compared.records,
    transactions: await transactionsOf(world),
    notes: compared.notes,
    tookMs: Math.round(performance.now() - startedMs),
  }
}

/** So many at once: a database has processors to spare, but not for us alone. */
const atOnce = 2

async function runAll(world: World, progress: (what: string) => void): Promise<Judgement[]> {
  const judgements: Judgement[] = []
  let next = 0
  const runMore = async () => {
    for (let at = next++; at < checks.length; at = next++) {
      const check = checks[at] as Check
      progress(check.name)
      judgements[at] = await run(check, world)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, runMore))
  return judgements
}

/** Behind the check of positions: what Kafka holds is the other half of it. */
const placeOfKafka = checks.findIndex((check) => check.name === 'positions') + 1

function summed(judgements: readonly Judgement[]): Pick<Report, 'ok' | 'wrong' | 'first'> {
  const wrong = judgements.reduce((sum, each) => sum + each.wrong, 0)
  return { ok: wrong === 0, wrong, first: judgements.flatMap((each) => each.findings)[0] ?? null }
}

async function transactionsOf({ ledger, lanes }: World): Promise<number> {
  const [row] = await ledger.query<{ count: string }>(
    'select count(*) as count from millrace_data.transaction where lane_id = any($1::int4[])',
    [lanes.map((lane) => lane.id)],
  )
  return Number(row?.count ?? 0)
}
