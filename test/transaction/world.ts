/**
 * A world for one transaction: workers, timers, events, sub-workflows, operators, and coordinators that are lost. What
 * happens, and when, is decided by the seed and by what it happens to, not by the order in which it is asked: so a run
 * that is interrupted can be compared with one that is not. It knows, too, what was really done outside.
 */
import assert from 'node:assert/strict'
import type { Effect, Invoke } from '../../src/transaction/effect.ts'
import type { StepRef } from '../../src/transaction/transaction.ts'
import { isFinal } from '../../src/transaction/transaction.ts'
import type { Plan, Step } from '../../src/workflow/plan.ts'
import { Random } from '../simulation/random.ts'
import { data } from './any-plan.ts'
import { heldBy, isDecidedFor } from './oracle.ts'
import { Stage } from './stage.ts'

export interface Chances {
  /** Moments at which the coordinator is lost. */
  readonly crashesMs: readonly number[]
  readonly cancelMs: number | null
  /** What operators ask of one that has ended, one after the other. */
  readonly asks: readonly ('undo' | 'retry')[]
}

interface Running {
  readonly name: string
  readonly invoke: Invoke
  endMs: number
  isAborted: boolean
  /** Of a function that is not idempotent: when a process is kept for it; null: it has begun. */
  reserveMs: number | null
}

type Asked = 'cancel' | 'undo' | null

interface Happening {
  readonly atMs: number
  readonly name: string
  happen(): void
}

/** What was done outside, as far as anybody can tell. */
type Book = 'none' | 'some' | 'maybe'

export class World {
  readonly stage: Stage
  readonly log: string[] = []
  /** It was interrupted while something was awaited only to be undone, of which nobody heard. */
  wasUnclear = false
  readonly #seed: number
  readonly #chances: Chances
  readonly #running = new Map<string, Running>()
  readonly #timers = new Map<string, number>()
  readonly #asked = new Map<string, { asked: Asked; atMs: number }>()
  readonly #book = new Map<string, Book>()
  readonly #seeds = new Map<string, string>()
  /** What is to be undone, in the order in which it was done. */
  #owed: string[] = []
  #undone: string[] = []
  #doubtsMs = new Map<string, number>()
  #firstAskedMs = new Map<string, number>()
  #isTakenOver = false
  #crashes: number[]
  #asks: number
  #isCancelled = false

  constructor(plan: Plan, seed: number, chances: Chances) {
    this.stage = new Stage(plan, data)
    this.#seed = seed
    this.#chances = chances
    this.#crashes = [...chances.crashesMs]
    this.#asks = 0
  }

  /** Until nothing more happens. */
  run(): this {
    this.#start()
    for (let count = 0; count < 3000; count++) {
      const { stage } = this
      if (isFinal(stage.transaction) && !this.#askAgain()) return this
      if (stage.state === 'queued') this.#start()
      if (isFinal(stage.transaction)) continue
      const next = this.#happenings().sort((a, b) => a.atMs - b.atMs || (a.name < b.name ? -1 : 1))[0]
      assert.ok(next, `something is to come while ${stage.state}`)
      stage.nowMs = Math.max(stage.nowMs, next.atMs)
      this.log.push(`+${stage.nowMs} ${next.name}`)
      next.happen()
      this.#compare()
    }
    throw new Error('it does not end')
  }

  /** Every step that has come to something: its name, and to what. */
  get settled(): Record<string, string> {
    const last: Record<string, string> = {}
    for (const row of this.stage.rows.attempts.values()) {
      if (row.stepState !== null) last[this.stage.name(row)] = row.stepState
    }
    return Object.fromEntries(Object.entries(last).sort())
  }

  #start(): void {
    const isTakenOver = this.#isTakenOver
    this.#isTakenOver = false
    this.#take(() => this.stage.start(this.stage.nowMs, isTakenOver))
  }

  #take(act: () => string[]): string[] {
    const told = act()
    this.log.push(`  ${told.join(' | ')} -> ${this.stage.state}`)
    if (told[0]?.startsWith('refused')) return told
    this.#follow(this.stage.effects)
    return told
  }

  #must(act: () => string[]): void {
    const told = this.#take(act)
    assert.ok(!told[0]?.startsWith('refused'), told[0])
  }

  #of(what: string): Random {
    let hash = 2166136261
    for (const char of what) hash = Math.imul(hash ^ (char.codePointAt(0) as number), 16777619)
    return new Random(this.#seed, hash)
  }

  // What is to come.

  #happenings(): Happening[] {
    const { state } = this.stage
    const isStill = state === 'in_doubt'
    return [
      ...(isStill ? [] : this.#attempts()),
      ...(isStill ? [] : this.#timersDue()),
      ...this.#rests(),
      ...this.#children(),
      ...this.#doubts(),
      ...this.#cancel(),
      ...this.#crash(),
    ]
  }

  #attempts(): Happening[] {
    return [...this.#running.values()].map((one) =>
      one.reserveMs === null
        ? { atMs: one.endMs, name: `end ${one.name}`, happen: () => this.#end(one) }
        : { atMs: one.reserveMs, name: `keep ${one.name}`, happen: () => this.#reserve(one) },
    )
  }

  #reserve(one: Running): void {
    if (one.isAborted) {
      this.#running.delete(one.name)
      const said = { outcome: 'lost', errorCode: 'cancelled', errorMessage: 'not run' } as const
      this.#must(() => this.stage.end(one.name, said))
      return
    }
    this.#must(() => this.stage.reserve(one.name))
    one.reserveMs = null
  }

  #end(one: Running): void {
    this.#running.delete(one.name)
    const { step, attempt } = one.invoke
    const random = this.#of(`${one.name}@${attempt} ${step.kind}`)
    const known = { ok: 80, retry: 6, fail: 5 }
    const open = { timeout: 3, crash: 3, lost: 3 }
    const outcome = random.weighted<'ok' | 'retry' | 'fail' | 'timeout' | 'crash' | 'lost'>({ ...known, ...open })
    const effectUnknown = outcome in open || (outcome === 'retry' && random.chance(0.2))
    if (step.kind === 'invoke') this.#wrote(one.name, outcome, effectUnknown)
    else if (outcome === 'ok') this.#book.set(one.name.slice(1), 'none')
    const output = outcome === 'ok' ? JSON.stringify(one.name) : null
    const error = outcome === 'ok' ? {} : { errorCode: outcome, errorMessage: `said ${outcome}` }
    this.#must(() => this.stage.end(one.name, { outcome, output, effectUnknown, ...error }))
  }

  #wrote(name: string, outcome: string, effectUnknown: boolean): void {
    if (outcome === 'ok') this.#book.set(name, 'some')
    else if (effectUnknown) this.#book.set(name, 'maybe')
    else if (outcome === 'fail') this.#book.set(name, 'none')
  }

  #timersDue(): Happening[] {
    return [...this.#timers].map(([name, atMs]) => ({
      atMs,
      name: `timer ${name}`,
      happen: () => {
        this.#timers.delete(name)
        const { state, dueUs } = this.stage.progress(name)
        if (state === 'waiting' && dueUs === this.stage.us(atMs))
          this.#must(() => this.stage.due(name, this.stage.nowMs))
      },
    }))
  }

  #rests(): Happening[] {
    const { stage } = this
    return [...stage.rows.rests].flatMap(([key, row]) => {
      const name = stage.name(row)
      const sinceMs = stage.ms(row.sinceUs)
      const happenings: Happening[] = []
      const wake = () => this.#wake(() => stage.due(name, stage.nowMs))
      if (row.dueUs !== null) happenings.push({ atMs: stage.ms(row.dueUs), name: `due ${name}`, happen: wake })
      const random = this.#of(`signal ${name} ${sinceMs}`)
      const comes = row.dueUs === null || random.chance(0.7)
      if (row.wait !== null && comes && !stage.rows.claimed.has(key)) {
        const atMs = sinceMs + random.between(100, 15_000)
        happenings.push({ atMs, name: `signal ${name}`, happen: () => this.#signal(name, key) })
      }
      return happenings
    })
  }

  #signal(name: string, key: string): void {
    const { stage } = this
    const signal = { id: `of ${name}`, text: '{"data":1}' }
    stage.rows.claimed.set(key, signal)
    if (stage.state !== 'waiting') this.#must(() => stage.signal(name, signal.text, signal.id))
    else this.#wake(() => stage.signal(name, signal.text, signal.id))
  }

  /** One that rests is a row: it is read back, and has its turn. */
  #wake(event: () => string[]): void {
    const { stage } = this
    if (stage.state === 'waiting') {
      stage.crash()
      this.#start()
    } else this.#must(event)
  }

  #children(): Happening[] {
    const { stage } = this
    return stage.rows.children.flatMap((child) => {
      const name = stage.name(child)
      const asked = this.#asked.get(child.id) ?? { asked: null, atMs: this.#firstMs(`call ${child.id}`) }
      if (child.ended !== null && asked.asked !== 'undo') return []
      const random = this.#of(`child ${name} ${asked.asked} ${child.id}`)
      const atMs = asked.atMs + random.between(500, 8000)
      const state = {
        none: () => random.weighted({ completed: 80, failed: 10, compensated: 5, cancelled: 5 } as const),
        cancel: () => random.weighted({ completed: 20, cancelled: 80 } as const),
        undo: () => random.weighted({ compensated: 80, failed: 20 } as const),
      }[asked.asked ?? 'none']()
      const happen = () => {
        this.#asked.set(child.id, { asked: null, atMs })
        if (state === 'compensated' && asked.asked === 'undo') this.#pop(name)
        const error = state === 'completed' ? null : { code: state, message: `it was ${state}` }
        const isOwing = state === 'failed' && (asked.asked === 'undo' || random.chance(0.5))
        const output = state === 'completed' ? '"child"' : null
        this.#must(() => stage.childEnds(name, { state, error, output, isOwing }, child.id))
      }
      return [{ atMs, name: `child ${name}`, happen }]
    })
  }

  #doubts(): Happening[] {
    return this.#inDoubt().map((name) => {
      if (!this.#doubtsMs.has(name)) this.#doubtsMs.set(name, this.stage.nowMs)
      const atMs = (this.#doubtsMs.get(name) as number) + 5000
      const happen = () => {
        this.#doubtsMs.delete(name)
        const outcome = this.#of(`word ${name}`).chance(0.6) ? 'ok' : 'fail'
        const book = name.startsWith('~') ? (outcome === 'ok' ? 'none' : 'maybe') : outcome === 'ok' ? 'some' : 'none'
        this.#book.set(name.replace('~', ''), book)
        this.#must(() => this.stage.resolve(name.replace('~', ''), outcome, outcome === 'ok' ? '"said"' : null))
      }
      return { atMs, name: `word ${name}`, happen }
    })
  }

  #inDoubt(): string[] {
    return heldBy(this.stage.transaction, ({ state }) => state === 'in_doubt').map((ref) => this.stage.name(ref))
  }

  #cancel(): Happening[] {
    const { cancelMs } = this.#chances
    if (cancelMs === null || this.#isCancelled || this.stage.transaction.failure !== null) return []
    const happen = () => {
      this.#isCancelled = true
      if (this.stage.state === 'waiting') this.stage.crash()
      this.#must(() => this.stage.cancel())
    }
    return [{ atMs: cancelMs, name: 'cancel', happen }]
  }

  #crash(): Happening[] {
    const atMs = this.#crashes[0]
    if (atMs === undefined) return []
    const happen = () => {
      this.#crashes.shift()
      this.crash()
    }
    return [{ atMs, name: 'crash', happen }]
  }

  /** What was under way may have been done. */
  crash(): void {
    if (this.hasAborted || this.stage.transaction.failure !== null) this.wasUnclear = true
    for (const { name, invoke, reserveMs } of this.#running.values()) {
      if (invoke.step.kind === 'invoke' && reserveMs === null && this.#book.get(name) !== 'some')
        this.#book.set(name, 'maybe')
    }
    this.#running.clear()
    this.#timers.clear()
    const wasWaiting = this.stage.state === 'waiting'
    this.stage.crash()
    // One that rests is nobody's: it is not taken over.
    if (wasWaiting) return
    this.#isTakenOver = true
    if (this.stage.state === 'queued') this.#start()
  }

  get isBusy(): boolean {
    return this.#running.size > 0
  }

  get hasAborted(): boolean {
    return [...this.#running.values()].some((one) => one.isAborted)
  }

  #askAgain(): boolean {
    const ask = this.#chances.asks[this.#asks++]
    if (ask === undefined) return false
    this.stage.nowMs += 1000
    this.stage.crash()
    this.log.push(`+${this.stage.nowMs} ${ask}`)
    const told = this.#take(() => (ask === 'undo' ? this.stage.undo() : this.stage.again()))
    if (told[0]?.startsWith('refused')) return this.#askAgain()
    return true
  }

  // What was asked for.

  #follow(effects: readonly Effect[]): void {
    const { stage } = this
    const invoked = new Set<string>()
    for (const effect of effects) {
      switch (effect.type) {
        case 'Invoke':
          invoked.add(stage.name({ step: effect.step.no, item: effect.item }))
          this.#invoke(effect)
          break
        case 'Abort': {
          const one = this.#running.get(stage.name(effect))
          assert.ok(!invoked.has(stage.name(effect)), `${stage.name(effect)} is begun and aborted at once`)
          assert.ok(one && one.invoke.attempt === effect.attempt, `${stage.name(effect)} is aborted, and does not run`)
          assert.ok(!one.isAborted, 'aborted once')
          one.isAborted = true
          break
        }
        case 'ArmTimer':
          this.#timers.set(stage.name(effect), stage.ms(effect.dueUs))
          break
        case 'Admit':
          this.#firstMs(`call ${effect.childId}`)
          break
        case 'Tell': {
          const child = stage.rows.children.find(({ id }) => id === effect.transactionId)
          assert.ok(child, 'only children are told')
          const asked = effect.event.type === 'CancelAsked' ? 'cancel' : 'undo'
          if (asked === 'undo') this.#checkOrder(stage.name(child))
          const isHeard =
            asked === 'cancel'
              ? child.ended === null
              : child.ended?.state === 'completed' || child.ended?.state === 'failed'
          if (isHeard && this.#asked.get(child.id)?.asked !== asked)
            this.#asked.set(child.id, { asked, atMs: stage.nowMs })
          break
        }
        case 'RecordAttempt':
          this.#settle(effect.row)
          break
        case 'RecordReopened':
          this.#undone = []
          if (effect.row.from !== null) {
            const from = effect.row.from
            this.#owed = this.#owed.filter((name) => stage.ref(name).step < from)
          }
          break
        case 'RecordEnding':
          this.#checkEnd(effect.row.state)
      }
    }
  }

  #firstMs(what: string): number {
    const first = this.#firstAskedMs.get(what) ?? this.stage.nowMs
    this.#firstAskedMs.set(what, first)
    return first
  }

  #invoke(invoke: Invoke): void {
    const { stage } = this
    const { step, item, attempt, idempotencySeed } = invoke
    const name = stage.name({ step: step.no, item })
    assert.ok(!this.#running.has(name), `${name} runs once at a time`)
    if (step.kind === 'undo') {
      this.#checkOrder(name.slice(1))
      this.#undone.push(name)
    } else {
      assert.equal(stage.transaction.failure, null, `${name} begins after it was decided that it will not complete`)
      const decided = isDecidedFor(stage.transaction, step as Step, item)
      assert.equal(decided, null, `${name} begins after ${decided} was decided`)
      const before = this.#seeds.get(name)
      if (before !== undefined && before !== idempotencySeed) this.#checkKey(name, step)
      this.#seeds.set(name, idempotencySeed)
    }
    const random = this.#of(`takes ${name}@${attempt}`)
    const endMs = this.#firstMs(`run ${name}@${attempt} ${stage.transaction.round}`) + random.between(10, 4000)
    const isOnce = step.uses.endsWith('once')
    this.#running.set(name, { name, invoke, endMs, isAborted: false, reserveMs: isOnce ? stage.nowMs + 1 : null })
  }

  /** A person may want done again what was done, if it need not be undone. */
  #checkKey(name: string, step: Invoke['step']): void {
    const book = this.#book.get(name) ?? 'none'
    const mayBe = step.kind === 'invoke' && step.compensate !== null ? ['none'] : ['none', 'some']
    assert.ok(mayBe.includes(book), `${name} has another key, and what it did is ${book}`)
  }

  #checkOrder(name: string): void {
    assert.equal(this.#owed.at(-1), name, `${name} is undone while ${this.#owed.at(-1)} was done last`)
  }

  #settle(row: StepRef & { readonly stepState: string | null; readonly unknown: true | null }): void {
    const { stage } = this
    const name = stage.name(row)
    const step = stage.plan.steps[row.step] as Step
    if (step.kind === 'undo') {
      if (row.stepState === 'ok') this.#pop(name.slice(1))
      return
    }
    const isOwed = step.kind === 'call' || (step.kind === 'invoke' && step.compensate !== null)
    const leaves = step.kind === 'call' ? this.#isOwing(row) : row.unknown === true
    const isDone = row.stepState === 'ok' || (row.stepState === 'failed' && leaves)
    if (isOwed && isDone) this.#owed.push(name)
  }

  /** What the step called last has failed, and could not be undone. */
  #isOwing({ step, item }: StepRef): boolean {
    const child = this.stage.rows.children.findLast((each) => each.step === step && each.item === item)
    return child?.ended?.isOwing === true
  }

  #pop(name: string): void {
    this.#checkOrder(name)
    this.#owed.pop()
  }

  #checkEnd(state: string): void {
    assert.equal(this.#running.size, 0, 'nothing runs when it ends')
    assert.equal(this.stage.rows.rests.size, 0, 'nothing rests when it ends')
    assert.ok(
      this.stage.rows.children.every(({ ended }) => ended !== null),
      'no sub-workflow is open when it ends',
    )
    if (state === 'completed') assert.deepEqual(this.#undone, [], 'nothing is undone of what completes')
    if (state === 'compensated' || state === 'cancelled') assert.deepEqual(this.#owed, [], 'all is undone')
    if (state === 'completed' || this.#owed.length > 0) return
    for (const [name, book] of this.#book) {
      const step = this.stage.plan.byId.get(name.split('[')[0] as string)
      if (step?.kind === 'invoke' && step.compensate !== null) assert.equal(book, 'none', `what ${name} did stands`)
    }
  }

  /** What is read back is what was there. */
  #compare(): void {
    const { stage } = this
    if (this.#running.size > 0 || isFinal(stage.transaction) || stage.transaction.round > 1) return
    const isSure = this.#crashes.length === this.#chances.crashesMs.length
    assert.deepEqual(stage.readBack(isSure), stage.alive(isSure))
  }
}
