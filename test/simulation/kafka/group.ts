/**
 * The consumer group as the broker sees it: who is a member and of which generation, and who should have which partition.
 * A member learns of it when it next asks; one that does not ask for a session is out, whatever it believes.
 */
import type { PartitionRef } from '../../../src/coordinator/ports.ts'
import type { Random } from '../random.ts'

export interface Membership {
  readonly generation: number
  readonly partitions: readonly PartitionRef[]
}

interface Member {
  readonly name: string
  seenUs: number
}

export class Group {
  readonly #random: Random
  readonly #sessionUs: number
  readonly #members = new Map<string, Member>()
  #assignment = new Map<string, PartitionRef[]>()
  generation = 0
  /** What members told of their progress, for lag tools. */
  readonly offsets = new Map<string, number>()

  constructor(random: Random, sessionUs: number) {
    this.#random = random
    this.#sessionUs = sessionUs
  }

  get members(): readonly string[] {
    return [...this.#members.keys()]
  }

  join(name: string, nowUs: number, partitions: readonly PartitionRef[]): void {
    this.#members.set(name, { name, seenUs: nowUs })
    this.rebalance(partitions)
  }

  leave(name: string, partitions: readonly PartitionRef[]): void {
    if (this.#members.delete(name)) this.rebalance(partitions)
  }

  /** Null: it is no member any more and must join again. */
  heartbeat(name: string, nowUs: number): Membership | null {
    const member = this.#members.get(name)
    if (!member) return null
    member.seenUs = nowUs
    return { generation: this.generation, partitions: this.#assignment.get(name) ?? [] }
  }

  /** Names of those that were thrown out. */
  expire(nowUs: number, partitions: readonly PartitionRef[]): string[] {
    const gone = [...this.#members.values()].filter((member) => member.seenUs + this.#sessionUs < nowUs)
    for (const { name } of gone) this.#members.delete(name)
    if (gone.length > 0) this.rebalance(partitions)
    return gone.map(({ name }) => name)
  }

  /** A broker that was away gives everybody a session's time. */
  forgive(nowUs: number): void {
    for (const member of this.#members.values()) member.seenUs = nowUs
  }

  /** Partitions stay where they are as far as shares allow, or, now and then, go anywhere. */
  rebalance(partitions: readonly PartitionRef[], shuffle = this.#random.chance(0.2)): void {
    this.generation++
    const names = this.members
    const owners = new Map<string, string>()
    for (const [name, own] of this.#assignment) for (const each of own) owners.set(nameOf(each), name)
    this.#assignment = new Map(names.map((name) => [name, []]))
    if (names.length === 0) return
    const most = Math.ceil(partitions.length / names.length)
    const homeless: PartitionRef[] = []
    for (const each of partitions) {
      const own = this.#assignment.get(owners.get(nameOf(each)) ?? '')
      if (!shuffle && own && own.length < most) own.push(each)
      else homeless.push(each)
    }
    for (const each of homeless) {
      const free = names.filter((name) => (this.#assignment.get(name)?.length ?? 0) < most)
      this.#assignment.get(this.#random.pick(free))?.push(each)
    }
  }
}

export function nameOf({ topic, partition }: PartitionRef): string {
  return `${topic}/${partition}`
}
