/** What is counted and measured of the facts. Attributes are few and of few values: a name of a step, never an id of a transaction. */
import { type FactName, type Facts, subscribe } from '../channels.ts'
import type { PublishedMessage } from '../durable.ts'
import { attributes as name } from '../names.ts'
import { measureDurable } from './durable.ts'
import type { Labels, Spread, Tallies, Tally } from './tally.ts'

/** Returns the way to stop. */
export function measureFacts(tallies: Tallies): () => void {
  const measures = {
    ...lanes(tallies),
    ...commits(tallies),
    ...outcomes(tallies),
    ...services(tallies),
  }
  const stops = Object.entries(measures).map(([fact, measure]) => subscribe(fact as FactName, measure as never))
  return () => {
    for (const each of stops) each()
  }
}

type Measures = { readonly [Name in FactName]?: (fact: Facts[Name]) => void }

function lanes(make: Tallies): Measures {
  const paused = make.gauge('paused')
  const handovers = make.counter('handovers')
  const fenced = make.counter('fenced')
  return {
    'lane.paused': (fact) => paused.of(partitionOf(fact)).set(1),
    'lane.resumed': (fact) => paused.of(partitionOf(fact)).set(0),
    // Whoever has it now tells of it.
    'lane.closed': (fact) => paused.of(partitionOf(fact)).set(0),
    handover: ({ topic }) => handovers.of({ [name.destination]: topic }).add(1),
    fenced: ({ topic }) => fenced.of({ [name.destination]: topic }).add(1),
  }
}

function commits(make: Tallies): Measures {
  const duration = make.histogram('commitDuration').of()
  const events = make.counter('commitEvents').of()
  const rows = make.counter('commitRows').of()
  const failures = make.counter('commitFailures')
  return {
    commit: (fact) => {
      duration.record(fact.durationMs / 1000)
      events.add(fact.events)
      rows.add(fact.rows)
    },
    'commit.failed': ({ kind }) => failures.of({ [name.errorType]: kind }).add(1),
  }
}

function outcomes(make: Tallies): Measures {
  const durations = new Durations(make)
  const deadLetters = make.counter('deadLetters')
  const duplicates = make.counter('duplicates')
  const passed = make.counter('passed')
  const gaps = make.counter('gaps')
  const refusals = make.counter('refusals').of()
  const inDoubt = make.counter('inDoubt')
  return {
    durable: measureDurable(make),
    ended: ({ workflow, state, durationMs }) => durations.of(workflow, state).record(durationMs / 1000),
    'dead-letter': ({ topic, workflow, code }) => {
      const own: Labels = workflow === null ? {} : { [name.workflow]: workflow }
      deadLetters.of({ [name.destination]: topic, [name.code]: code, ...own }).add(1)
    },
    duplicate: ({ workflow }) => duplicates.of({ [name.workflow]: workflow }).add(1),
    passed: ({ topic }) => passed.of({ [name.destination]: topic }).add(1),
    gap: ({ topic, reason }) => gaps.of({ [name.destination]: topic, [name.reason]: reason }).add(1),
    refusal: () => refusals.add(1),
    'in-doubt': ({ workflow, step }) => inDoubt.of({ [name.workflow]: workflow, [name.step]: step }).add(1),
  }
}

/** Of transactions: each that ends is looked up here, and not by a text of its labels. */
class Durations {
  readonly #tally: Tally<Spread>
  readonly #known = new Map<string, Map<string, Spread>>()

  constructor(tallies: Tallies) {
    this.#tally = tallies.histogram('transactionDuration')
  }

  of(workflow: string, state: string): Spread {
    let states = this.#known.get(workflow)
    if (states === undefined) {
      states = new Map()
      this.#known.set(workflow, states)
    }
    let spread = states.get(state)
    if (spread === undefined) {
      spread = this.#tally.of({ [name.workflow]: workflow, [name.state]: state })
      states.set(state, spread)
    }
    return spread
  }
}

function services(make: Tallies): Measures {
  const answered = make.histogram('answered')
  const sent = make.counter('sent')
  const sendDuration = make.histogram('sendDuration').of(sendOf)
  const stalled = make.gauge('stalled')
  const refused = make.counter('refusedMessages')
  const gone = make.counter('gone')
  const functionOutage = make.gauge('functionOutage')
  const outage = make.gauge('outage')
  const watchdog = make.counter('watchdog')
  const dropped = make.counter('spansDropped').of()
  return {
    published: ({ durationMs, batch }) => {
      sendDuration.record(durationMs / 1000)
      for (const [topic, count] of countsOf(batch)) sent.of({ ...sendOf, [name.destination]: topic }).add(count)
    },
    answered: ({ method, status, durationMs }) => {
      answered.of({ [name.method]: methodOf(method), [name.status]: String(status) }).record(durationMs / 1000)
    },
    'outbox.stalled': (fact) => stalled.of(partitionOf(fact)).set(1),
    'outbox.resumed': (fact) => stalled.of(partitionOf(fact)).set(0),
    'message.refused': ({ to }) => refused.of({ [name.destination]: to }).add(1),
    'worker.gone': (fact) => gone.of({ [name.function]: fact.function, [name.reason]: fact.reason }).add(1),
    'function.outage': (fact) => functionOutage.of({ [name.function]: fact.function }).set(1),
    'function.back': (fact) => functionOutage.of({ [name.function]: fact.function }).set(0),
    outage: ({ service }) => outage.of({ [name.service]: service }).set(1),
    recovered: ({ service }) => outage.of({ [name.service]: service }).set(0),
    watchdog: ({ topic }) => watchdog.of({ [name.destination]: topic }).add(1),
    'function.spans': (fact) => {
      if (fact.dropped > 0) dropped.add(fact.dropped)
    },
  }
}

const sendOf = { [name.system]: 'kafka', [name.operation]: 'send', [name.operationType]: 'send' }

/** What was passed over was not sent. */
function countsOf(batch: readonly PublishedMessage[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const { topic, error } of batch) if (error === null) counts.set(topic, (counts.get(topic) ?? 0) + 1)
  return counts
}

function partitionOf({ topic, partition }: { readonly topic: string; readonly partition: number }) {
  return { [name.destination]: topic, [name.partition]: String(partition) }
}

/** Whatever else a client may write there. */
function methodOf(method: string): string {
  return methods.has(method) ? method : '_OTHER'
}

const methods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'])
