/** One coordinator's process with all that is in it: as src/engine.ts wires them, on a simulated world. */
import { sleep } from '../../src/base/clock.ts'
import { EngineError } from '../../src/base/error.ts'
import { Coordinator } from '../../src/coordinator/coordinator.ts'
import { type CoordinatorLimits, defaultLimits } from '../../src/coordinator/limits.ts'
import { defaultLimits as outboxLimits } from '../../src/outbox/limits.ts'
import { Outbox } from '../../src/outbox/outbox.ts'
import type { Plan } from '../../src/workflow/plan.ts'
import type { Broker } from './kafka/broker.ts'
import { sessionUs } from './kafka/broker.ts'
import { type IntakeWeather, SimulatedIntake } from './kafka/intake.ts'
import { type Outlet, sessionsOf } from './kafka/outlet.ts'
import type { Written } from './ledger/commit.ts'
import { type LinkFault, type LinkWeather, link } from './ledger/link.ts'
import { outboxLedgerOf } from './ledger/messages.ts'
import type { Server } from './ledger/server.ts'
import { type Ask, ledgerOf, type StatementName } from './ledger/statements.ts'
import { Process } from './process.ts'
import type { Provider } from './provider.ts'
import { valueBytesMax } from './records.ts'
import { type Registry, SimulatedPreparer } from './registry.ts'
import type { Schedule } from './schedule.ts'
import { SimulatedWorkers, type WorkerWatch, type WorkerWeather } from './workers.ts'
import { planFrom } from './workflows.ts'

export const engine = 'simulated'

export interface Weather extends LinkWeather, IntakeWeather, WorkerWeather {
  /** How often a transaction of the outbox's is sent, and nobody hears what became of it. */
  readonly lostSends: number
}

export interface Surroundings {
  readonly schedule: Schedule
  readonly broker: Broker
  readonly server: Server
  readonly provider: Provider
  readonly outlet: Outlet
  readonly registry: Registry
  readonly plans: readonly Plan[]
  readonly limits: Partial<CoordinatorLimits>
  weather(): Weather
  readonly watch: WorkerWatch
  onWritten(member: Member, written: Written): void
  onLinkFault(member: Member, fault: LinkFault, statement: StatementName): void
  onRedelivery(member: Member): void
  /** The coordinator said that it cannot go on. */
  onBroken(member: Member, error: Error): void
  onGone(member: Member): void
}

export class Member {
  readonly process: Process
  readonly session: number
  readonly intake: SimulatedIntake
  readonly workers: SimulatedWorkers
  readonly preparer: SimulatedPreparer
  readonly coordinator: Coordinator
  readonly outbox: Outbox
  readonly #around: Surroundings
  /** Statements it waits for, by name. */
  readonly asking = new Map<StatementName, number>()
  /** Its last commit did not go through, and none has since. */
  troubled = false
  stopping = false

  constructor(name: string, around: Surroundings, skewUs: number) {
    const { schedule, broker, server, provider } = around
    this.#around = around
    this.process = new Process(name, schedule, skewUs)
    this.session = server.tables.nextSession()
    const leaseMs = sessionUs / 1000
    const handoverMs = limits.handoverMs + limits.renewEveryMs + 1000
    const holder = { engine, owner: name, session: this.session, leaseMs, handoverMs }
    const asked = link(server, this.process, around.weather, (fault, statement) =>
      around.onLinkFault(this, fault, statement),
    )
    this.intake = new SimulatedIntake(broker, this.process, around.weather, () => around.onRedelivery(this))
    this.workers = new SimulatedWorkers(this.process, provider, around.weather, around.watch)
    this.preparer = new SimulatedPreparer(around.registry, this.process)
    const ask = this.#watched(asked)
    const reached = () => this.intake.isReached
    this.outbox = new Outbox({
      ledger: outboxLedgerOf(server.tables, ask),
      encoder: null,
      sessions: sessionsOf(around.outlet, broker, this.process, around.weather, reached),
      clock: this.process.clock,
      limits: outboxLimits,
    })
    this.coordinator = new Coordinator({
      engine,
      session: this.session,
      ledger: ledgerOf(
        server.tables,
        holder,
        ask,
        (written) => around.onWritten(this, written),
        (hear) => this.#listen(hear),
      ),
      intake: this.intake,
      workers: this.workers,
      outbox: this.outbox,
      preparer: this.preparer,
      clock: this.process.clock,
      sealer: null,
      limits: { ...limits, ...around.limits },
      planFromSource: planFrom,
    })
    this.intake.coordinator = this.coordinator
    this.workers.coordinator = this.coordinator
    void this.coordinator.failed.then((error) => around.onBroken(this, error))
    void this.outbox.failed.then((error) => around.onBroken(this, error))
  }

  /** A service that is away is waited for. */
  async start(): Promise<void> {
    for (;;) {
      try {
        await this.coordinator.setPlans(this.#around.plans)
        break
      } catch (error) {
        if (!(error instanceof EngineError) || !error.retryable) throw error
        await sleep(this.process.clock, 200, new AbortController().signal)
      }
    }
    if (this.stopping) return
    this.coordinator.start()
    this.intake.start()
  }

  /** SIGTERM. */
  async stop(drainMs: number): Promise<void> {
    if (this.stopping) return
    this.stopping = true
    await this.coordinator.stop(drainMs)
    await this.outbox.stop()
    this.intake.stop()
    this.kill()
  }

  /** SIGKILL; or the last thing a stop does. */
  kill(): void {
    if (!this.process.alive) return
    this.process.kill()
    this.workers.die()
    this.#around.onGone(this)
  }

  /** The connection that listens is of its own, and is lost without a word now and then. */
  #listen(hear: (laneIds: readonly number[]) => void): void {
    const { server, schedule } = this.#around
    server.tables.listeners.push((laneIds) => {
      if (!this.process.alive || schedule.random.chance(deaf)) return
      this.process.hear(schedule.random.exponential(2000), '', () => hear(laneIds))
    })
  }

  #watched(ask: Ask): Ask {
    return async (statement) => {
      const { name } = statement
      this.asking.set(name, (this.asking.get(name) ?? 0) + 1)
      try {
        const value = await ask(statement)
        if (name === 'commit') this.troubled = false
        return value
      } catch (error) {
        if (name === 'commit') this.troubled = true
        throw error
      } finally {
        this.asking.set(name, (this.asking.get(name) ?? 0) - 1)
      }
    }
  }
}

/** As in production, but for what would take a simulated run too long. */
const limits: CoordinatorLimits = { ...defaultLimits, valueBytesMax }
/** How often a nudge from elsewhere is not heard of. */
const deaf = 0.2
