/** Wires the rooms: where each shell is checked against the port that the coordinator declares. */
import { hostname } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Authenticators } from './authenticators.ts'
import { cacheDir } from './base/cache-dir.ts'
import { type Clock, systemClock } from './base/clock.ts'
import { checkCrashAt, crashPoint } from './base/crash-point.ts'
import { EngineError } from './base/error.ts'
import { packageRoot } from './base/package-root.ts'
import { retryFor } from './base/poll.ts'
import type { Config } from './config.ts'
import { Coordinator } from './coordinator/coordinator.ts'
import { type CoordinatorLimits, defaultLimits } from './coordinator/limits.ts'
import type { OutboxLedger, Preparer } from './coordinator/ports.ts'
import { limitsOf } from './coordinator-settings.ts'
import { CurrentPlans } from './current-plans.ts'
import { EngineDoor } from './door.ts'
import { createDoorStamps } from './envelope/door-stamp.ts'
import { createSealer, type Sealer } from './envelope/seal.ts'
import { Gatekeeper } from './gatekeeper.ts'
import { createClient } from './intake/client.ts'
import { Intake } from './intake/intake.ts'
import { kafkaSettings } from './kafka-settings.ts'
import { openLedger } from './ledger/ledger.ts'
import { checkWriters, pendingMigrations } from './ledger/migrate.ts'
import { databaseUrlOf } from './ledger-settings.ts'
import { KafkaSessions } from './outbox/kafka-sessions.ts'
import { defaultLimits as outboxLimits, outboxPatience } from './outbox/limits.ts'
import { Outbox } from './outbox/outbox.ts'
import { preparersOf } from './preparers.ts'
import type { Registry } from './registry/registry.ts'
import { RegistryReader } from './registry-reader.ts'
import { registryOptions } from './registry-settings.ts'
import { createSecrets } from './secrets.ts'
import { publish } from './telemetry/channels.ts'
import { wantedOf } from './telemetry/options.ts'
import { startTelemetry, type Telemetry } from './telemetry/start.ts'
import { telemetryOf } from './telemetry-settings.ts'
import { createPool, type Pool } from './worker/pool.ts'
import { planFromSource } from './workflow/parse.ts'
import type { Plan } from './workflow/plan.ts'
import type { Problem } from './workflow/problem.ts'

export interface EngineOptions {
  readonly config: Config
  /** Folder of workflow files, with `functions/` in it. */
  readonly workflowsDir: string
  readonly clock?: Clock
  readonly limits?: Partial<CoordinatorLimits>
  /** Start though some workflow files have problems; those are left out until they are mended. */
  readonly lenient?: boolean
}

export const migrationsDir = (): string => join(packageRoot(), 'migrations')

export class Engine {
  readonly #options: EngineOptions
  readonly #pool: Pool
  readonly #intake: Intake
  readonly #authenticators: Authenticators
  readonly #gatekeeper: Gatekeeper
  #coordinator: Coordinator | undefined
  #telemetry: Telemetry | undefined
  #outbox: Outbox | undefined
  #door: EngineDoor | undefined
  #ledger: Awaited<ReturnType<typeof openLedger>> | undefined
  readonly #current: CurrentPlans
  #started: Promise<void> | undefined
  #stopped: Promise<void> | undefined
  readonly #aborted = new AbortController()
  #fail: (error: Error) => void = () => undefined
  /** Resolves with what broke it, if anything ever does. */
  readonly failed = new Promise<Error>((resolve) => (this.#fail = resolve))

  constructor(options: EngineOptions) {
    checkCrashAt()
    const { config, workflowsDir } = options
    this.#options = options
    const canSeal = config.sealKey !== null
    const secrets = createSecrets({ dir: config['secrets.dir'], env: process.env })
    const hasRegistry = config['registry.url'] !== null
    this.#current = new CurrentPlans({ workflowsDir, canSeal, secrets, hasRegistry, lenient: options.lenient ?? false })
    this.#pool = createPool({
      functionsDir: resolve(workflowsDir, 'functions'),
      cacheDir: cacheDir('functions'),
      env: config['functions.env'],
      traced: wantedOf(telemetryOf(config)).traces !== 'none',
      limits: {
        processesMax: config['functions.processesMax'],
        idleMs: config['functions.idle'],
        heapMb: config['functions.heapMb'],
        rssMb: config['functions.rssMb'],
      },
    })
    this.#intake = new Intake(kafkaSettings(config), options.clock ?? systemClock())
    this.#authenticators = new Authenticators(this.#pool)
    this.#gatekeeper = new Gatekeeper({
      secrets,
      authenticator: this.#authenticators,
      stamps: config.sealKey === null ? null : createDoorStamps(config.sealKey),
      sealer: config.sealKey === null ? null : createSealer(config.sealKey),
    })
  }

  get plans(): readonly Plan[] {
    return this.#current.plans
  }

  get problems(): readonly Problem[] {
    return this.#current.problems
  }

  /** Throws `EngineError`: `workflows_invalid`, `ledger_not_migrated`, or whichever service stayed away. */
  start(): Promise<void> {
    this.#started ??= this.#start()
    return this.#started
  }

  async #start(): Promise<void> {
    const { config, clock = systemClock() } = this.#options
    await this.#current.load()
    this.#telemetry = await startTelemetry(telemetryOf(config), () => this.#standing())
    const { traces } = this.#telemetry
    const ledger = await this.#patiently(() => this.#openLedger())
    this.#ledger = ledger
    this.#aborted.signal.throwIfAborted()
    await this.#pool.start()
    const sealer = config.sealKey === null ? null : createSealer(config.sealKey)
    const registry = await this.#registryOf(clock)
    const outbox = this.#outboxOf(ledger, sealer, clock, registry)
    const coordinator = new Coordinator({
      engine: config.engine,
      session: ledger.session,
      ledger,
      intake: this.#intake,
      workers: this.#pool,
      clock,
      outbox,
      preparer: this.#preparerOf(registry, sealer),
      sealer,
      limits: limitsOf(config, this.#options.limits),
      planFromSource,
      ...(traces !== null && { traces }),
    })
    this.#coordinator = coordinator
    void coordinator.failed.then((error) => this.#fail(error))
    this.#pool.onReserved((ids) => coordinator.receiveReserved(ids))
    this.#pool.onResults((results) => coordinator.receiveResults(this.#authenticators.receive(results)))
    await this.#patiently(() => coordinator.setPlans(this.#current.plans))
    coordinator.start()
    await this.#patiently(() =>
      this.#intake.start({
        assigned: (partitions) => coordinator.assign(partitions),
        received: (partition, fetched) => coordinator.receive(partition, fetched),
        recreated: (topic) => coordinator.recreated(topic),
      }),
    )
    this.#aborted.signal.throwIfAborted()
    const unfinished = await this.#patiently(() => ledger.unfinishedTopics())
    const door = new EngineDoor({
      config,
      databaseUrl: databaseUrlOf(config),
      gates: this.#gatekeeper,
      preparer: registry === null ? null : new RegistryReader(registry, sealer),
      incarnation: (topic) => this.#intake.incarnation(topic),
      traces,
    })
    this.#door = door
    // Topics are there before they are looked for; who is let in waits for nobody.
    await this.#patiently(() => door.setPlans(this.#current.plans))
    await this.#intake.setTopics([...this.#current.topics, ...unfinished])
  }

  /** Where the HTTP door listens; null while no workflow asks for it. */
  get doorPort(): number | null {
    return this.#door?.port ?? null
  }

  #preparerOf(registry: Registry | null, sealer: Sealer | null): Preparer {
    return registry === null ? this.#gatekeeper : preparersOf(this.#gatekeeper, new RegistryReader(registry, sealer))
  }

  /**
   * One that is given up on is a dead letter in its words, just before its lane would give it up in others. An engine
   * without a registry starts sooner for not loading what speaks with one.
   */
  async #registryOf(clock: Clock): Promise<Registry | null> {
    const { config, limits } = this.#options
    const patienceMs = Math.max(0, limitsOf(config, limits).preparingMsMax - 1000)
    const options = registryOptions(config)
    if (options === null) return null
    const { Registry } = await import('./registry/registry.ts')
    return new Registry({ ...options, clock, patienceMs })
  }

  #outboxOf(ledger: OutboxLedger, sealer: Sealer | null, clock: Clock, encoder: Registry | null): Outbox {
    const { config } = this.#options
    const kafka = createClient(kafkaSettings(config), outboxPatience)
    const sessions = new KafkaSessions({ engine: config.engine, kafka, sealer, limits: outboxLimits })
    this.#outbox = new Outbox({ ledger, sessions, encoder, clock, limits: outboxLimits })
    void this.#outbox.failed.then((error) => this.#fail(error))
    return this.#outbox
  }

  /** Reads workflow and function files again. What runs stays on its version. */
  async reload(): Promise<void> {
    const workflows = await this.#current.load()
    await this.#coordinator?.setPlans(this.#current.plans)
    await this.#door?.setPlans(this.#current.plans)
    await this.#intake.setTopics(this.#current.topics)
    const changed = [...workflows, ...(await this.#pool.reload())]
    publish('catalogue', { workflows: this.plans.length, changed, problems: this.problems.length })
  }

  /** Ready: connected, every topic found, every partition given to it open. */
  health(): { ready: boolean; reasons: string[] } & Record<string, unknown> {
    const stats = this.#coordinator?.stats()
    const reasons = [
      ...(stats ? [] : ['not started']),
      ...(this.#intake.connected ? [] : ['Kafka is away']),
      ...this.#intake.missingTopics.map((topic) => `waiting for topic ${topic}`),
      ...(stats && stats.lanes < stats.assigned ? [`${stats.assigned - stats.lanes} lanes are not open yet`] : []),
      ...(stats && stats.state !== 'running' ? [`the coordinator is ${stats.state}`] : []),
    ]
    const { processes, running, waiting } = this.#pool.stats()
    return { ready: reasons.length === 0, reasons, ...stats, workers: { processes, running, waiting } }
  }

  /** What Prometheus asks for; null: it is not to be answered. */
  get prometheus(): Telemetry['prometheus'] {
    return this.#telemetry?.prometheus ?? null
  }

  #standing() {
    const stats = this.#coordinator?.stats()
    return stats ? { ...stats, functions: this.#pool.stats().functions, lag: () => this.#lag() } : null
  }

  /** Of every partition that is worked on. Throws `EngineError`: Kafka is away. */
  async #lag() {
    const places = this.#coordinator?.places() ?? []
    const topics = [...new Set(places.map(({ topic }) => topic))]
    const bounds = new Map(
      await Promise.all(topics.map(async (each) => [each, await this.#intake.bounds(each)] as const)),
    )
    return places.flatMap(({ topic, partition, nextOffset }) => {
      const latest = bounds.get(topic)?.get(partition)?.latest
      return latest === undefined ? [] : [{ topic, partition, records: Math.max(0, latest - nextOffset) }]
    })
  }

  /** Takes nothing new, lets what runs end within the drain timeout, commits, leaves the group. Twice is safe. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop()
    return this.#stopped
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  async #stop(): Promise<void> {
    this.#aborted.abort()
    const drainMs = this.#options.config.drainTimeout
    // A start that is under way makes nothing more once it is aborted; what it has made is then ours to stop.
    await Promise.race([this.#started?.catch(() => undefined), sleep(drainMs, undefined, { ref: false })])
    await this.#door?.stop()
    await this.#coordinator?.stop(drainMs)
    await this.#outbox?.stop()
    crashPoint('stop.before-leave')
    await this.#intake.stop()
    crashPoint('stop.left')
    await this.#pool.stop({ drainMs: 0 })
    await this.#ledger?.stop()
    await this.#telemetry?.stop()
  }

  async #openLedger() {
    const { config } = this.#options
    const databaseUrl = databaseUrlOf(config)
    const pending = await pendingMigrations(databaseUrl, migrationsDir())
    if (pending.length > 0) {
      throw new EngineError(
        'ledger_not_migrated',
        `the ledger lacks ${pending.join(', ')}: run \`millrace migrate\` first`,
      )
    }
    await checkWriters(databaseUrl)
    return openLedger({
      databaseUrl,
      connectionsMax: config['postgres.connectionsMax'],
      answerMsMax: config['postgres.answerTimeout'],
      engine: config.engine,
      owner: `${hostname()}:${process.pid}`,
      leaseMs: config['kafka.sessionTimeout'],
      // It hears of being asked with its next sign of life, and has some time to say that it is done.
      keepPublishedMs: config['outbox.keep'],
      handoverMs: config.handoverTimeout + defaultLimits.renewEveryMs + 1000,
    })
  }

  #patiently<T>(attempt: () => Promise<T>): Promise<T> {
    return retryFor(attempt, {
      forMs: this.#options.config.startTimeout,
      initialMs: 200,
      maxMs: 5000,
      signal: this.#aborted.signal,
      worthRetrying: (error) => error instanceof EngineError && error.retryable,
      onRetry: (error, nextMs) => {
        const message = `${error instanceof Error ? error.message : error}; trying again in ${nextMs} ms`
        publish('notice', { level: 'warn', message })
      },
    })
  }
}
