/**
 * What the next commit will hold. It is folded as events come, also while the commit before it is under way: when that one
 * returns, the next is ready to be written, and nobody has waited for the other.
 */
import type { Clock } from '../base/clock.ts'
import type { Entry } from './entry.ts'
import type { Flow } from './flow.ts'
import type { Allowance, Lane } from './lane.ts'
import type { CoordinatorLimits } from './limits.ts'

export class NextCommit {
  readonly #clock: Clock
  readonly #limits: CoordinatorLimits
  readonly #flow: Flow
  readonly #lanes: () => Lane[]
  readonly #onFolded: (entries: readonly Entry[], atUs: number) => void
  #entries: Entry[] = []
  #allowance: Allowance
  #turn = 0

  /** `onFolded` hears of what was folded before it is written: some of what it asks for need not wait. */
  constructor(
    parts: { clock: Clock; limits: CoordinatorLimits },
    flow: Flow,
    lanes: () => Lane[],
    onFolded: (entries: readonly Entry[], atUs: number) => void,
  ) {
    this.#clock = parts.clock
    this.#limits = parts.limits
    this.#flow = flow
    this.#lanes = lanes
    this.#onFolded = onFolded
    this.#allowance = allowanceOf(parts.limits)
  }

  get isEmpty(): boolean {
    return this.#entries.length === 0
  }

  /** `begins`: new transactions may start. `ahead`: the commit before it is under way. */
  fold(begins: boolean, ahead: boolean): void {
    const lanes = this.#lanes()
    const running = lanes.reduce((sum, lane) => sum + lane.running, 0)
    this.#allowance.slots = begins ? this.#limits.runningMax - running : 0
    const nowUs = this.#clock.nowUs()
    for (const lane of this.#inTurn(lanes)) {
      const folded = lane.fold(nowUs, this.#allowance, this.#limits, ahead)
      if (folded.length === 0) continue
      for (const each of folded) this.#entries.push(each)
      lane.inCommit = true
      this.#onFolded(folded, nowUs)
    }
    for (const lane of lanes) this.#flow.afterFold(lane, this.#limits.queuedMax)
  }

  /** It is written now: what is folded from here on is of another one. */
  take(): readonly Entry[] {
    const entries = this.#entries.filter((each) => each.lane.stands(each))
    this.#entries = []
    this.#allowance = allowanceOf(this.#limits)
    for (const lane of this.#lanes()) lane.sealTurns()
    return entries
  }

  /** Something of the lane waits to be written. */
  holds(lane: Lane): boolean {
    return this.#entries.some((each) => each.lane === lane)
  }

  /** Another lane first each time, so that a busy one cannot eat every allowance. */
  #inTurn(lanes: readonly Lane[]): Lane[] {
    const first = lanes.length === 0 ? 0 : this.#turn++ % lanes.length
    return [...lanes.slice(first), ...lanes.slice(0, first)]
  }
}

function allowanceOf(limits: CoordinatorLimits): Allowance {
  return {
    slots: 0,
    records: limits.recordsPerCommitMax,
    events: limits.eventsPerCommitMax,
    bytes: limits.commitBytesMax,
    claims: new Map(),
  }
}
