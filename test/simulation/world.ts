/**
 * A simulated world: a few coordinators on one Kafka and one ledger, producers, operators, and an oracle that looks at every
 * commit, every invocation and every charge.
 */
import type { Invocation, InvocationResult } from '../../src/coordinator/ports.ts'
import type { StepRef } from '../../src/transaction/transaction.ts'
import type { Plan } from '../../src/workflow/plan.ts'
import { Coverage, endsOf, type Fault, statesOf } from './coverage.ts'
import { Broker } from './kafka/broker.ts'
import { Outlet } from './kafka/outlet.ts'
import type { Written } from './ledger/commit.ts'
import { Server } from './ledger/server.ts'
import type { StatementName } from './ledger/statements.ts'
import { Member, type Surroundings, type Weather } from './member.ts'
import { Oracle } from './oracle/oracle.ts'
import { Broken } from './oracle/verdict.ts'
import { nameOfPlace, placeOf } from './place.ts'
import type { Process } from './process.ts'
import { Provider } from './provider.ts'
import { Producer } from './records.ts'
import type { Registry } from './registry.ts'
import type { Schedule } from './schedule.ts'
import type { Setting } from './setting.ts'
import { newsTopic } from './trees.ts'
import { type Fate, poison } from './workers.ts'

export class World {
  readonly schedule: Schedule
  readonly setting: Setting
  readonly broker: Broker
  readonly server: Server
  readonly provider = new Provider()
  readonly outlet: Outlet
  readonly registry: Registry = { up: true }
  readonly producer: Producer
  readonly coverage = new Coverage()
  readonly oracle: Oracle
  readonly members: Member[] = []
  readonly plans: readonly Plan[]
  weather: Weather
  /** What ended the run before its time. */
  broken: Error | null = null
  /** Coordinators that end come back. */
  isReviving = true
  #names = 0

  constructor(schedule: Schedule, setting: Setting) {
    this.schedule = schedule
    this.setting = setting
    this.broker = new Broker(schedule)
    this.server = new Server(schedule)
    this.server.tables.poison = poison
    this.outlet = new Outlet((published) => this.#judge(() => this.oracle.published(published)))
    this.producer = new Producer(schedule.random, setting.keys)
    this.plans = setting.plans
    this.weather = setting.weather
    this.oracle = new Oracle(this.server.tables, this.broker, this.provider)
  }

  start(): void {
    for (const { name, partitions } of this.setting.topics) this.broker.create(name, partitions)
    for (let n = 0; n < this.setting.members; n++)
      this.schedule.after(n * 100_000, 'a coordinator starts', () => this.join())
    this.#tick()
  }

  get living(): Member[] {
    return this.members.filter(({ process }) => process.alive)
  }

  join(): void {
    const skewUs = this.schedule.random.chance(0.3) ? this.schedule.random.between(-2_000_000, 2_000_000) : 0
    const member = new Member(`c${++this.#names}`, this.#surroundings(), skewUs)
    this.members.push(member)
    member.start().catch((error) => this.#break(error))
  }

  /** What a fault meets, in one coordinator or in all. */
  note(fault: Fault, member: Member | null = null, also: readonly string[] = []): void {
    const nowUs = this.server.nowUs
    const met = new Set<string>(also)
    for (const each of member ? [member] : this.living)
      for (const state of statesOf(each, this.server.tables, nowUs)) met.add(state)
    this.coverage.note(fault, met)
  }

  produce(): void {
    const { random } = this.schedule
    const topic = this.broker.topic(random.pick(this.setting.topics).name)
    const partition = random.between(0, topic.logs.length - 1)
    if (random.chance(this.setting.holes)) topic.logs[partition]?.appendHole(random.pick(['aborted', 'control']))
    this.broker.produce(topic.name, partition, this.producer.next(this.schedule.nowUs))
  }

  /** Those who would wait for ever get what they wait for. */
  satisfy(): void {
    const waiting = new Map<string, string>()
    for (const own of this.server.tables.rests.values()) {
      for (const { wait, dueUs } of own.values()) {
        if (wait?.topic === newsTopic && dueUs === null) waiting.set(wait.key, wait.topic)
      }
    }
    for (const [key, name] of waiting) {
      const partition = this.schedule.random.between(0, this.broker.topic(name).logs.length - 1)
      this.broker.produce(name, partition, this.producer.wanted(key, this.schedule.nowUs))
    }
  }

  #surroundings(): Surroundings {
    return {
      schedule: this.schedule,
      broker: this.broker,
      server: this.server,
      provider: this.provider,
      outlet: this.outlet,
      registry: this.registry,
      plans: this.plans,
      limits: this.setting.limits,
      weather: () => this.weather,
      watch: {
        invoked: (process, invocation) => this.#judge(() => this.#invoked(process, invocation)),
        ended: (_, invocation, result) => this.#ended(invocation, result),
        fated: (process, fate) => this.#fated(process, fate),
        charged: (_, invocation) => this.#judge(() => this.oracle.charged(invocation)),
      },
      onWritten: (_, written) => this.#judge(() => this.#written(written)),
      onLinkFault: (member, fault, statement: StatementName) => this.note(fault, member, [statement]),
      onRedelivery: (member) => this.note('redelivery', member),
      onBroken: (member, error) => this.#onBroken(member, error),
      onGone: (member) => this.#onGone(member),
    }
  }

  #invoked(process: Process, invocation: Invocation): void {
    const member = this.members.find((each) => each.process === process)
    const { transactionId, attempt, input } = invocation
    const how = invocation.ahead ? 'asks ahead for' : 'asks for'
    this.schedule.tell(
      `${process.name} ${how} ${nameOfPlace(placeOf(invocation))}#${attempt} of ${transactionId} ${input}`,
    )
    this.oracle.invoked(member?.session ?? 0, invocation)
  }

  #ended(invocation: Invocation, result: InvocationResult): void {
    this.oracle.ended(invocation, result)
  }

  #fated(process: Process, fate: Fate): void {
    const member = this.members.find((each) => each.process === process)
    if (fate !== 'ok' && member) this.note(fate, member)
  }

  #written(written: Written): void {
    this.schedule.trace.explain(this.schedule.nowUs, () => summaryOf(written))
    for (const { transactionId, state } of written.endings) this.schedule.tell(`${transactionId} is ${state}`)
    for (const row of written.attempts) {
      const transaction = this.server.tables.transactions.get(row.transactionId)
      const kind = transaction && this.server.tables.planOf(transaction).steps[row.step]?.kind
      for (const end of endsOf(row)) if (kind) this.coverage.ended(kind, end)
    }
    this.oracle.written(written, this.server.nowUs)
  }

  /** What the oracle finds must not travel through the product, which would take it for its own. */
  #judge(act: () => void): void {
    try {
      act()
    } catch (error) {
      this.#break(error as Error)
    }
  }

  #break(error: Error): void {
    this.broken ??= error
  }

  #onBroken(member: Member, error: Error): void {
    // Whoever is told to stop during an outage gives up.
    if (member.stopping || !member.process.alive) return
    this.#break(new Broken('a coordinator goes on', `${member.process.name}: ${error.stack ?? error.message}`))
  }

  #onGone(member: Member): void {
    this.schedule.tell(`${member.process.name} is gone`)
    if (!this.isReviving) return
    this.schedule.after(this.schedule.random.between(100_000, 8_000_000), 'a coordinator starts', () => {
      if (this.isReviving) this.join()
    })
  }

  #tick(): void {
    this.schedule.after(500_000, '', () => {
      const before = new Set(this.broker.group.members)
      this.broker.tick()
      for (const member of this.living) {
        const { name } = member.process
        if (before.has(name) && !this.broker.group.members.includes(name)) this.note('out of the group', member)
      }
      this.#tick()
    })
  }
}

function summaryOf(written: Written): string {
  const parts = [
    ...written.transactions.map(
      (row) => `+${row.id} (${row.laneId}/${row.offset}${row.key === null ? '' : ` key ${row.key}`})`,
    ),
    ...written.copies.map((row) => `copy ${row.id} of ${written.duplicates.get(row.id)}`),
    ...written.begun.map((row) => `begun ${nameOfRow(row)}#${row.attempt}`),
    ...written.rests.map(
      (row) => `${nameOfRow(row)} rests${row.isAlone ? ' alone' : ''} until ${row.dueUs} ${row.wait?.key ?? ''}`,
    ),
    ...written.restsOver.map((row) => `${nameOfRow(row)} rests no more`),
    ...written.taken.map((row) => `${nameOfRow(row)} took ${row.signalId}`),
    ...written.postings.map(
      (row) => `${nameOfRow(row)}#${row.attempt}.${row.n} posts ${row.amount} ${row.debit} > ${row.credit}`,
    ),
    ...written.turns.map((row) => `${row.transactionId} turns back: ${row.code}`),
    ...written.reopened.map((row) => `${row.transactionId} round ${row.round} from ${row.from}`),
    ...written.signals.map((row) => `event ${row.id} (${row.laneId}/${row.offset} key ${row.key})`),
    ...written.attempts.map(
      (row) => `${nameOfRow(row)}#${row.attempt} ${row.outcome} ${row.stepState ?? 'again'} ${row.errorCode ?? ''}`,
    ),
    ...written.deadLetters.map((row) => `letter ${row.id} (${row.laneId}/${row.offset}) ${row.code}`),
    ...written.letters.map((row) => `letter ${row.id} of ${row.transactionId}`),
    ...written.passed.map(
      (row) => `passed ${row.laneId}/${row.fromOffset}-${row.toOffset} ${row.workflowId ?? ''} ${row.reason}`,
    ),
    ...written.commands.map((row) => `command ${row.id} ${row.state}: ${row.answer}`),
    ...written.messages.map((row) => `message ${row.laneId}/${row.seq}`),
  ]
  return parts.join('; ')
}

function nameOfRow({ transactionId, step, item }: StepRef & { readonly transactionId: string }): string {
  return `${transactionId}/${step}${item === '' ? '' : `[${item}]`}`
}
