/**
 * Who of the group reads which partition: where it is read now, as far as balance allows. Topics with the same
 * subscribers are shared out together, to within one partition. The same question has the same answer.
 */
import { nameOf, type Partition } from './partition.ts'

export interface GroupMember {
  readonly id: string
  readonly topics: readonly string[]
  readonly claim: Claim | null
}

/** What a member held when it last joined. */
export interface Claim {
  /** The group's generation then: of two who claim the same, the older one has missed that it was taken away. */
  readonly generation: number
  readonly held: readonly Held[]
}

export interface Held extends Partition {
  /** The higher, the later it became the member's. */
  readonly since: number
}

export function assign(
  members: readonly GroupMember[],
  partitionsOf: ReadonlyMap<string, readonly number[]>,
): Map<string, Partition[]> {
  const ordered = [...members].sort((a, b) => compare(a.id, b.id))
  const owners = ownersOf(ordered)
  const shares = new Map<string, Held[]>(ordered.map((member) => [member.id, []]))
  for (const { subscribers, partitions } of topicSets(ordered, partitionsOf)) {
    shareOut(subscribers, partitions, owners, shares)
  }
  return new Map([...shares].map(([id, share]) => [id, share.map(({ topic, partition }) => ({ topic, partition }))]))
}

interface Owner {
  readonly id: string
  readonly generation: number
  readonly since: number
}

function ownersOf(members: readonly GroupMember[]): Map<string, Owner> {
  const owners = new Map<string, Owner>()
  for (const { id, claim } of members) {
    for (const held of claim?.held ?? []) {
      const generation = claim?.generation ?? 0
      const other = owners.get(nameOf(held))
      if (!other || other.generation < generation) owners.set(nameOf(held), { id, generation, since: held.since })
    }
  }
  return owners
}

interface TopicSet {
  readonly subscribers: readonly string[]
  readonly partitions: readonly Partition[]
}

function topicSets(members: readonly GroupMember[], partitionsOf: ReadonlyMap<string, readonly number[]>): TopicSet[] {
  const sets = new Map<string, { subscribers: string[]; partitions: Partition[] }>()
  for (const [topic, numbers] of [...partitionsOf].sort(([a], [b]) => compare(a, b))) {
    const subscribers = members.filter((member) => member.topics.includes(topic)).map((member) => member.id)
    const key = JSON.stringify(subscribers)
    const set = sets.get(key) ?? { subscribers, partitions: [] }
    if (subscribers.length > 0) sets.set(key, set)
    for (const partition of [...numbers].sort((a, b) => a - b)) set.partitions.push({ topic, partition })
  }
  return [...sets.values()]
}

function shareOut(
  subscribers: readonly string[],
  partitions: readonly Partition[],
  owners: ReadonlyMap<string, Owner>,
  shares: ReadonlyMap<string, Held[]>,
): void {
  const kept = new Map(subscribers.map((id) => [id, new Share()]))
  const free: Partition[] = []
  for (const each of partitions) {
    const owner = owners.get(nameOf(each))
    const share = owner && kept.get(owner.id)
    if (share) share.add({ ...each, since: owner.since })
    else free.push(each)
  }
  const quotas = quotasOf(partitions.length, kept, shares)
  for (const [id, share] of kept) free.push(...release(share, quotas.get(id) ?? 0))
  for (const each of free.sort(byPlace)) give(each, kept, quotas)
  for (const [id, share] of kept) shares.get(id)?.push(...share.held.sort(byPlace))
}

/** What one member gets of a set, counted by topic. */
class Share {
  readonly held: Held[] = []
  readonly #counts = new Map<string, number>()

  countOf(topic: string): number {
    return this.#counts.get(topic) ?? 0
  }

  add(each: Held): void {
    this.held.push(each)
    this.#counts.set(each.topic, this.countOf(each.topic) + 1)
  }

  remove(each: Held): void {
    this.held.splice(this.held.indexOf(each), 1)
    this.#counts.set(each.topic, this.countOf(each.topic) - 1)
  }
}

/** Who holds more than an even share keeps one more, those first that hold all of it for long; then who would have to be given it. */
function quotasOf(
  count: number,
  kept: ReadonlyMap<string, Share>,
  shares: ReadonlyMap<string, readonly Held[]>,
): Map<string, number> {
  const even = Math.floor(count / kept.size)
  const ranked = [...kept].map(([id, { held }]) => ({
    id,
    rank: held.length <= even ? 2 : wouldGiveOldest(held, even) ? 0 : 1,
    load: shares.get(id)?.length ?? 0, // what other topics have given it
  }))
  ranked.sort((a, b) => a.rank - b.rank || a.load - b.load || compare(a.id, b.id))
  const more = count - even * kept.size
  return new Map(ranked.map(({ id }, at) => [id, at < more ? even + 1 : even]))
}

/** With an even share it would give away what it has held for as long as anything, not what came to it late. */
function wouldGiveOldest(held: readonly Held[], even: number): boolean {
  const sinces = held.map(({ since }) => since).sort((a, b) => a - b)
  return sinces[even] === sinces[0]
}

/** The latest come go first, so that who comes back finds its own; among those, from the topic with the most. */
function release(share: Share, quota: number): Held[] {
  const released: Held[] = []
  while (share.held.length > quota) {
    const first = share.held.reduce((best, each) => (goesBefore(each, best, share) ? each : best))
    share.remove(first)
    released.push(first)
  }
  return released
}

function goesBefore(each: Held, best: Held, share: Share): boolean {
  if (each.since !== best.since) return each.since > best.since
  const more = share.countOf(each.topic) - share.countOf(best.topic)
  return more !== 0 ? more > 0 : byPlace(each, best) > 0
}

/** A topic is spread over as many as possible; among equals, who has least takes it. */
function give(each: Partition, kept: ReadonlyMap<string, Share>, quotas: ReadonlyMap<string, number>): void {
  let taker: Share | undefined
  for (const [id, share] of kept) {
    if (share.held.length >= (quotas.get(id) ?? 0)) continue
    const more = taker && share.countOf(each.topic) - taker.countOf(each.topic)
    if (!taker || (more || share.held.length - taker.held.length) < 0) taker = share
  }
  taker?.add({ ...each, since: 0 })
}

function byPlace(a: Partition, b: Partition): number {
  return compare(a.topic, b.topic) || a.partition - b.partition
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
