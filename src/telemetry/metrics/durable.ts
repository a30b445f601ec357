/** Measures of what each commit made durable: the most there is to count, so its series are found by one look-up for each attempt. */
import type { Durable, DurableAttempt, DurableTransaction } from '../durable.ts'
import { attributes as name } from '../names.ts'
import type { Count, Labels, Spread, Tallies, Tally } from './tally.ts'

export function measureDurable(tallies: Tallies): (durable: readonly Durable[]) => void {
  const consumed = new Consumed(tallies)
  const admissions = new Admissions(tallies)
  const attempts = new Attempts(tallies)
  const measure = ({ topic, transactions, admitted, attempts: rows, letters, returnedUs }: Durable) => {
    let records = 0
    for (const row of admitted) {
      // What a step calls is no record.
      if (row.parent !== null) continue
      records++
      const workflow = of(transactions, row.id)?.plan.name ?? ''
      admissions.record(workflow, row.producedUs === null ? null : seconds(row.producedUs, row.admittedUs))
    }
    if (records + letters.length > 0) consumed.of(topic).add(1)
    for (const row of rows) {
      if (row.dispatchedUs === null) continue
      const transaction = of(transactions, row.transactionId)
      if (transaction) attempts.record(row, transaction, returnedUs)
    }
  }
  return (durable) => {
    for (const each of durable) measure(each)
  }
}

/** Mostly there is one. */
function of(transactions: Durable['transactions'], wanted: string): DurableTransaction | undefined {
  const [first] = transactions
  return first?.id === wanted ? first : transactions.find(({ id }) => id === wanted)
}

class Consumed {
  readonly #consumed: Tally<Count>
  readonly #known = new Map<string, Count>()

  constructor(tallies: Tallies) {
    this.#consumed = tallies.counter('consumed')
  }

  of(topic: string): Count {
    const known = this.#known.get(topic) ?? this.#consumed.of({ [name.system]: 'kafka', [name.destination]: topic })
    this.#known.set(topic, known)
    return known
  }
}

class Admissions {
  readonly #admitted: Tally<Count>
  readonly #arrival: Tally<Spread>
  readonly #known = new Map<string, { admitted: Count; arrival: Spread }>()

  constructor(tallies: Tallies) {
    this.#admitted = tallies.counter('admitted')
    this.#arrival = tallies.histogram('arrival')
  }

  record(workflow: string, tookSeconds: number | null): void {
    const { admitted, arrival } = this.#of(workflow)
    admitted.add(1)
    if (tookSeconds !== null) arrival.record(tookSeconds)
  }

  #of(workflow: string) {
    let known = this.#known.get(workflow)
    if (known === undefined) {
      const of = { [name.workflow]: workflow }
      known = { admitted: this.#admitted.of(of), arrival: this.#arrival.of(of) }
      this.#known.set(workflow, known)
    }
    return known
  }
}

/** Of one step of one workflow. */
interface Known {
  readonly labels: Labels
  readonly invocations: Count
  readonly run: Spread
  readonly wait: Spread
  readonly dispatch: Spread
  readonly commit: Spread
}

class Attempts {
  readonly #tallies: Tallies
  readonly #errors: Tally<Count>
  readonly #timeouts: Tally<Count>
  /** By plan, which stays the same object while it is in force, and number of the step. */
  readonly #known = new WeakMap<DurableTransaction['plan'], (Known | undefined)[]>()

  constructor(tallies: Tallies) {
    this.#tallies = tallies
    this.#errors = tallies.counter('errors')
    this.#timeouts = tallies.counter('timeouts')
  }

  record(row: DurableAttempt, { plan }: DurableTransaction, returnedUs: number): void {
    const known = this.#of(plan, row.step)
    if (known === null) return
    const { outcome, eligibleUs, dispatchedUs, startedUs, finishedUs } = row
    known.invocations.add(1)
    if (outcome !== 'ok') this.#errors.of({ ...known.labels, [name.errorType]: row.errorCode ?? outcome }).add(1)
    if (outcome === 'timeout') this.#timeouts.of(known.labels).add(1)
    if (eligibleUs !== null && dispatchedUs !== null) known.wait.record(seconds(eligibleUs, dispatchedUs))
    if (startedUs === null || finishedUs === null || dispatchedUs === null) return
    known.dispatch.record(seconds(dispatchedUs, startedUs))
    known.run.record(seconds(startedUs, finishedUs))
    known.commit.record(seconds(finishedUs, returnedUs))
  }

  /** Null: it runs no function. */
  #of(plan: DurableTransaction['plan'], no: number): Known | null {
    let steps = this.#known.get(plan)
    if (steps === undefined) {
      steps = []
      this.#known.set(plan, steps)
    }
    steps[no] ??= this.#make(plan, no) ?? undefined
    return steps[no] ?? null
  }

  #make({ name: workflow, steps }: DurableTransaction['plan'], no: number): Known | null {
    const step = steps[no]
    if (step?.uses === undefined) return null
    const labels = { [name.workflow]: workflow, [name.step]: step.id, [name.function]: step.uses }
    const phases = this.#tallies.histogram('phaseDuration')
    const phase = (which: string) => phases.of({ ...labels, [name.phase]: which })
    return {
      labels,
      invocations: this.#tallies.counter('invocations').of(labels),
      run: this.#tallies.histogram('runDuration').of(labels),
      wait: phase('wait'),
      dispatch: phase('dispatch'),
      commit: phase('commit'),
    }
  }
}

/** Clocks of others may be ahead. */
function seconds(fromUs: number, untilUs: number): number {
  return Math.max(0, untilUs - fromUs) / 1e6
}
