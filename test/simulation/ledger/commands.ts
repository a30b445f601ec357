/** What operators ask for: a row each, pending until the lane's holder has answered. */
import type { Command } from '../../../src/coordinator/ports.ts'
import type { StoredCommand } from './tables.ts'

export type Wish = Omit<Command, 'id' | 'letter'>

export class Inbox {
  readonly all = new Map<bigint, StoredCommand>()
  readonly #pending = new Map<number, StoredCommand[]>()

  /** The same twice is the same while it is pending: null then. */
  ask(wish: Wish): bigint | null {
    const { laneId, kind, target } = wish
    if (this.pendingOf(laneId).some((each) => each.kind === kind && each.target === target)) return null
    const command: StoredCommand = { ...wish, id: BigInt(this.all.size + 1), state: 'pending', answer: null }
    this.all.set(command.id, command)
    this.#pending.set(laneId, [...this.pendingOf(laneId), command])
    return command.id
  }

  pendingOf(laneId: number): readonly StoredCommand[] {
    return this.#pending.get(laneId) ?? []
  }

  answer(id: bigint, state: StoredCommand['state'], answer: string): void {
    const command = this.all.get(id)
    if (!command) return
    Object.assign(command, { state, answer })
    this.#pending.set(
      command.laneId,
      this.pendingOf(command.laneId).filter((each) => each.state === 'pending'),
    )
  }
}
