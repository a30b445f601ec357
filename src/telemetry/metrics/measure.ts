/** What is counted and measured of the facts. Attributes are few and of few values: a name of a step, never an id of a transaction. */
import type { Counter, Histogram } from '@opentelemetry/api'
import { type FactName, type Facts, subscribe } from '../channels.ts'
import type { Durable, DurableAttempt, DurableTransaction } from '../durable.ts'
import { attributes as name } from '../names.ts'
import type { Instruments } from './instruments.ts'

/** Returns the way to stop. */
export function measureFacts(instruments: Instruments): () => void {
  const measures = {
    ...lanes(instruments),
    ...commits(instruments),
    ...outcomes(instruments),
    ...services(instruments),
  }
  const stops = Object.entries(measures).map(([fact, measure]) => subscribe(fact as FactName, measure as never))
  return () => {
    for (const each of stops) each()
  }
}

type Measures = { readonly [Name in FactName]?: (fact: Facts[Name]) => void }

function lanes(make: Instruments): Measures {
  const lag = make.gauge('lag')
  const paused = make.gauge('paused')
  const handovers = make.counter('handovers')
  const fenced = make.counter('fenced')
  return {
    lag: (fact) => lag.record(fact.records, partitionOf(fact)),
    'lane.paused': (fact) => paused.record(1, partitionOf(fact)),
    'lane.resumed': (fact) => paused.record(0, partitionOf(fact)),
    // Whoever has it now tells of it.
    'lane.closed': (fact) => {
      paused.record(0, partitionOf(fact))
      lag.record(0, partitionOf(fact))
    },
    handover: ({ topic }) => handovers.add(1, { [name.destination]: topic }),
    fenced: ({ topic }) => fenced.add(1, { [name.destination]: topic }),
  }
}

function commits(make: Instruments): Measures {
  const duration = make.histogram('commitDuration')
  const events = make.counter('commitEvents')
  const rows = make.counter('commitRows')
  const failures = make.counter('commitFailures')
  return {
    commit: (fact) => {
      duration.record(fact.durationMs / 1000)
      events.add(fact.events)
      rows.add(fact.rows)
    },
    'commit.failed': ({ kind }) => failures.add(1, { [name.errorType]: kind }),
  }
}

function outcomes(make: Instruments): Measures {
  const durable = new DurableMeasures(make)
  const transactionDuration = make.histogram('transactionDuration')
  const deadLetters = make.counter('deadLetters')
  const duplicates = make.counter('duplicates')
  const passed = make.counter('passed')
  const gaps = make.counter('gaps')
  const refusals = make.counter('refusals')
  const inDoubt = make.counter('inDoubt')
  return {
    durable: (fact) => durable.record(fact),
    ended: ({ workflow, state, durationMs }) => {
      transactionDuration.record(durationMs / 1000, { [name.workflow]: workflow, [name.state]: state })
    },
    'dead-letter': ({ topic, workflow, code }) => {
      deadLetters.add(1, {
        [name.destination]: topic,
        [name.code]: code,
        ...(workflow !== null && { [name.workflow]: workflow }),
      })
    },
    duplicate: ({ workflow }) => duplicates.add(1, { [name.workflow]: workflow }),
    passed: ({ topic }) => passed.add(1, { [name.destination]: topic }),
    gap: ({ topic, reason }) => gaps.add(1, { [name.destination]: topic, [name.reason]: reason }),
    refusal: () => refusals.add(1),
    'in-doubt': ({ workflow, step }) => inDoubt.add(1, { [name.workflow]: workflow, [name.step]: step }),
  }
}

function services(make: Instruments): Measures {
  const sent = make.counter('sent')
  const sendDuration = make.histogram('sendDuration')
  const stalled = make.gauge('stalled')
  const refused = make.counter('refusedMessages')
  const gone = make.counter('gone')
  const functionOutage = make.gauge('functionOutage')
  const outage = make.gauge('outage')
  const watchdog = make.counter('watchdog')
  const dropped = make.counter('spansDropped')
  return {
    published: ({ messages, durationMs, batch }) => {
      sendDuration.record(durationMs / 1000, sendOf)
      if (messages === batch.length)
        for (const [topic, count] of countsOf(batch)) sent.add(count, { ...sendOf, [name.destination]: topic })
    },
    'outbox.stalled': (fact) => stalled.record(1, partitionOf(fact)),
    'outbox.resumed': (fact) => stalled.record(0, partitionOf(fact)),
    'message.refused': ({ to }) => refused.add(1, { [name.destination]: to }),
    'worker.gone': (fact) => gone.add(1, { [name.function]: fact.function, [name.reason]: fact.reason }),
    'function.outage': (fact) => functionOutage.record(1, { [name.function]: fact.function }),
    'function.back': (fact) => functionOutage.record(0, { [name.function]: fact.function }),
    outage: ({ service }) => outage.record(1, { [name.service]: service }),
    recovered: ({ service }) => outage.record(0, { [name.service]: service }),
    watchdog: ({ topic }) => watchdog.add(1, { [name.destination]: topic }),
    'function.spans': (fact) => {
      if (fact.dropped > 0) dropped.add(fact.dropped)
    },
  }
}

const sendOf = { [name.system]: 'kafka', [name.operation]: 'send', [name.operationType]: 'send' }

function countsOf(batch: readonly { readonly topic: string }[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const { topic } of batch) counts.set(topic, (counts.get(topic) ?? 0) + 1)
  return counts
}

function partitionOf({ topic, partition }: { readonly topic: string; readonly partition: number }) {
  return { [name.destination]: topic, [name.partition]: String(partition) }
}

/** Of every event: what belongs together is added up before it is told, for each telling is dear. */
class DurableMeasures {
  readonly #consumed: Counter
  readonly #admitted: Counter
  readonly #arrival: Histogram
  readonly #invocations: Counter
  readonly #errors: Counter
  readonly #timeouts: Counter
  readonly #run: Histogram
  readonly #phase: Histogram
  readonly #known = new Map<string, Known>()

  constructor(make: Instruments) {
    this.#consumed = make.counter('consumed')
    this.#admitted = make.counter('admitted')
    this.#arrival = make.histogram('arrival')
    this.#invocations = make.counter('invocations')
    this.#errors = make.counter('errors')
    this.#timeouts = make.counter('timeouts')
    this.#run = make.histogram('runDuration')
    this.#phase = make.histogram('phaseDuration')
  }

  record({ topic, transactions, admitted, attempts, letters, returnedUs }: Durable): void {
    // What a step calls is no record.
    const records = admitted.filter(({ parent }) => parent === null)
    if (records.length + letters.length > 0)
      this.#consumed.add(1, { [name.system]: 'kafka', [name.destination]: topic })
    for (const row of records) {
      const transaction = transactions.find(({ id }) => id === row.id)
      const of = transaction ? { [name.workflow]: transaction.plan.name } : {}
      this.#admitted.add(1, of)
      if (row.producedUs !== null) this.#arrival.record(seconds(row.producedUs, row.admittedUs), of)
    }
    for (const row of attempts) {
      const transaction = transactions.find(({ id }) => id === row.transactionId)
      if (transaction && row.dispatchedUs !== null) this.#attempt(row, transaction, returnedUs)
    }
  }

  #attempt(row: DurableAttempt, { plan }: DurableTransaction, returnedUs: number): void {
    const step = plan.steps[row.step]
    if (step?.uses === undefined) return
    const known = this.#of(plan.name, step.id, step.uses)
    const { outcome, eligibleUs, dispatchedUs, startedUs, finishedUs } = row
    this.#invocations.add(1, known.step)
    if (outcome !== 'ok') this.#errors.add(1, { ...known.step, [name.errorType]: row.errorCode ?? outcome })
    if (outcome === 'timeout') this.#timeouts.add(1, known.step)
    if (eligibleUs !== null && dispatchedUs !== null) this.#phase.record(seconds(eligibleUs, dispatchedUs), known.wait)
    if (startedUs === null || finishedUs === null || dispatchedUs === null) return
    this.#phase.record(seconds(dispatchedUs, startedUs), known.dispatch)
    this.#run.record(seconds(startedUs, finishedUs), known.step)
    this.#phase.record(seconds(finishedUs, returnedUs), known.commit)
  }

  /** There are few, and each comes again and again. */
  #of(workflow: string, step: string, uses: string): Known {
    const id = `${workflow}\n${step}\n${uses}`
    let known = this.#known.get(id)
    if (known === undefined) {
      const own = { [name.workflow]: workflow, [name.step]: step, [name.function]: uses }
      const phase = (which: string) => ({ ...own, [name.phase]: which })
      known = { step: own, wait: phase('wait'), dispatch: phase('dispatch'), commit: phase('commit') }
      this.#known.set(id, known)
    }
    return known
  }
}

type Attributes = Readonly<Record<string, string>>
type Known = Readonly<Record<'step' | 'wait' | 'dispatch' | 'commit', Attributes>>

/** Clocks of others may be ahead. */
function seconds(fromUs: number, untilUs: number): number {
  return Math.max(0, untilUs - fromUs) / 1e6
}
