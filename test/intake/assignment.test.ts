/** Who reads which partition: everything shared out once, evenly, to subscribers only, and moved as little as possible. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assign, type Claim, type GroupMember } from '../../src/intake/assignment.ts'
import { decodeClaim, encodeClaim } from '../../src/intake/claim.ts'
import { nameOf, type Partition } from '../../src/intake/partition.ts'
import { fc } from '../support/fuzz.ts'

type Shares = Map<string, Partition[]>

test('a first member takes all, a second one half of each topic', () => {
  const topics = new Map([topic('a', 4), topic('b', 2)])
  const alone = assign([member('m1', topics)], topics)
  assert.equal(alone.get('m1')?.length, 6)
  const both = assign([holder('m1', topics, alone), member('m2', topics)], topics)
  assert.deepEqual(names(both.get('m2')), ['a/2', 'a/3', 'b/1'])
  assert.equal(moves(alone, both), 3)
})

test('one of three stops and starts again: only its partitions move, and they move back', () => {
  const topics = new Map([topic('a', 7), topic('b', 5)])
  let shares = assign(
    ['m1', 'm2', 'm3'].map((id) => member(id, topics)),
    topics,
  )
  const its = new Set(names(shares.get('m2')))
  const before = shares
  shares = assign([holder('m1', topics, shares), holder('m3', topics, shares)], topics)
  assert.deepEqual(moved(before, shares), [...its].sort())
  const late = (id: string) => holder(id, topics, shares, (each) => (its.has(nameOf(each)) ? 9 : 1))
  const after = assign([late('m1'), member('m4', topics), late('m3')], topics)
  assert.deepEqual(names(after.get('m4')), [...its].sort())
  assert.deepEqual([after.get('m1'), after.get('m3')], [before.get('m1'), before.get('m3')])
})

test('who missed that a partition was taken away does not get it back', () => {
  const topics = new Map([topic('a', 2)])
  const claim = (generation: number): Claim => ({ generation, held: [{ topic: 'a', partition: 0, since: 1 }] })
  const stale = { ...member('a-stale', topics), claim: claim(4) }
  const shares = assign([stale, { ...member('b', topics), claim: claim(5) }], topics)
  assert.deepEqual(names(shares.get('b')), ['a/0'])
})

test('a topic goes only to members that read it, and balances among those', () => {
  const topics = new Map([topic('new', 3), topic('old', 3)])
  const shares = assign([member('m1', new Map([topic('old', 3)])), member('m2', topics)], topics)
  assert.deepEqual(names(shares.get('m1')), ['old/0', 'old/2'])
  assert.deepEqual(names(shares.get('m2')), ['new/0', 'new/1', 'new/2', 'old/1'])
})

test('whatever the group: all is given once, to subscribers, evenly, with the fewest moves, and then stays', () => {
  fc.assert(
    fc.property(groups(), ({ members, topics }) => {
      const shares = assign(members, topics)
      assert.deepEqual(assign([...members].reverse(), topics), shares)
      for (const set of setsOf(members, topics)) checkSet(set, members, shares)
      const given = [...shares.values()].flat().map(nameOf)
      assert.equal(new Set(given).size, given.length)
      const kept = members.map((each) => ({ ...holder(each.id, topics, shares), topics: each.topics }))
      assert.equal(moves(shares, assign(kept, topics)), 0)
    }),
    { numRuns: 500 },
  )
})

test('a thousand partitions of a hundred topics are shared out in no time', () => {
  const topics = new Map(Array.from({ length: 100 }, (_, at) => topic(`t${at}`, 10)))
  const all = assign([member('m0', topics)], topics)
  const from = performance.now()
  const fresh = Array.from({ length: 20 }, (_, at) => member(`n${at}`, topics))
  const shares = assign([holder('m0', topics, all), ...fresh], topics)
  assert.ok(performance.now() - from < 1000)
  assert.equal(moves(all, shares), 1000 - Math.ceil(1000 / 21))
})

test('a claim is read as it was written; anything else is none', () => {
  const claim = { generation: 7, held: [1, 2].map((partition) => ({ topic: 'a b', partition, since: partition })) }
  assert.deepEqual(decodeClaim(encodeClaim(claim)), claim)
  for (const text of ['', 'null', '{}', '{"generation":1,"held":[["a",1]]}', '{"generation":"1","held":[]}', '\0']) {
    assert.equal(decodeClaim(Buffer.from(text)), null, text)
  }
  assert.equal(decodeClaim(null), null)
})

function checkSet(set: TopicSet, members: readonly GroupMember[], shares: Shares): void {
  const counts = set.subscribers.map((id) => countIn(set, shares.get(id)))
  assert.equal(
    counts.reduce((sum, count) => sum + count, 0),
    set.partitions.size,
  )
  assert.ok(Math.max(...counts) - Math.min(...counts) <= 1)
  for (const [id, share] of shares) if (!set.subscribers.includes(id)) assert.equal(countIn(set, share), 0)
  const held = heldOf(members)
  const holds = set.subscribers.map((id) => [...set.partitions].filter((name) => held.get(name) === id).length)
  const even = Math.floor(set.partitions.size / set.subscribers.length)
  const more = Math.min(set.partitions.size % set.subscribers.length, holds.filter((count) => count > even).length)
  const most = holds.reduce((sum, count) => sum + Math.min(count, even), more)
  const kept = set.subscribers.flatMap((id) => names(shares.get(id)).filter((name) => held.get(name) === id))
  assert.equal(kept.filter((name) => set.partitions.has(name)).length, most)
}

interface TopicSet {
  readonly subscribers: readonly string[]
  readonly partitions: ReadonlySet<string>
}

function setsOf(members: readonly GroupMember[], topics: ReadonlyMap<string, readonly number[]>): TopicSet[] {
  const sets = new Map<string, { subscribers: string[]; partitions: Set<string> }>()
  for (const [name, partitions] of topics) {
    const subscribers = members.filter((each) => each.topics.includes(name)).map((each) => each.id)
    if (subscribers.length === 0) continue
    const set = sets.get(subscribers.join()) ?? { subscribers, partitions: new Set() }
    sets.set(subscribers.join(), set)
    for (const partition of partitions) set.partitions.add(nameOf({ topic: name, partition }))
  }
  return [...sets.values()]
}

/** By the newest claim; of two as new, by the first in the order of ids. */
function heldOf(members: readonly GroupMember[]): Map<string, string> {
  const ordered = [...members].sort((a, b) => (a.id < b.id ? -1 : 1))
  const newest = ordered.sort((a, b) => (b.claim?.generation ?? 0) - (a.claim?.generation ?? 0))
  const held = new Map<string, string>()
  for (const { id, claim } of newest) {
    for (const each of claim?.held ?? []) if (!held.has(nameOf(each))) held.set(nameOf(each), id)
  }
  return held
}

function groups() {
  const names = ['a', 'b', 'c', 'd']
  const claims = fc.record({
    generation: fc.nat(3),
    held: fc.uniqueArray(fc.record({ topic: fc.constantFrom(...names), partition: fc.nat(9), since: fc.nat(3) }), {
      selector: nameOf,
      maxLength: 25,
    }),
  })
  const member = fc.record({ topics: fc.subarray(names), claim: fc.option(claims) })
  return fc.record({
    members: fc
      .array(member, { minLength: 1, maxLength: 6 })
      .map((all) => all.map((each, at) => ({ id: `m${at}`, ...each }))),
    topics: fc
      .tuple(...names.map((name) => fc.integer({ min: 1, max: 9 }).map((count) => topic(name, count))))
      .map((topics) => new Map(topics)),
  })
}

function topic(name: string, partitions: number): [string, number[]] {
  return [name, Array.from({ length: partitions }, (_, at) => at)]
}

function member(id: string, topics: ReadonlyMap<string, unknown>): GroupMember {
  return { id, topics: [...topics.keys()], claim: null }
}

/** The same member, joining again with what it was given. */
function holder(
  id: string,
  topics: ReadonlyMap<string, unknown>,
  shares: Shares,
  since: (each: Partition) => number = () => 1,
): GroupMember {
  const held = (shares.get(id) ?? []).map((each) => ({ ...each, since: since(each) }))
  return { ...member(id, topics), claim: { generation: 5, held } }
}

function names(share: readonly Partition[] | undefined): string[] {
  return (share ?? []).map(nameOf).sort()
}

function countIn(set: TopicSet, share: readonly Partition[] | undefined): number {
  return names(share).filter((name) => set.partitions.has(name)).length
}

function moved(before: Shares, after: Shares): string[] {
  const at = new Map([...after].flatMap(([id, share]) => share.map((each) => [nameOf(each), id])))
  return [...before].flatMap(([id, share]) => names(share).filter((name) => at.get(name) !== id)).sort()
}

function moves(before: Shares, after: Shares): number {
  return moved(before, after).length
}

test('who comes back finds its own: of two that hold more than their share, the late comers go, whoever is named first', () => {
  const held = (numbers: number[], since: number) => numbers.map((partition) => ({ topic: 't', partition, since }))
  const claim = (all: ReturnType<typeof held>) => ({ generation: 1, held: all })
  for (const [long, late] of [
    ['a', 'b'],
    ['b', 'a'],
  ] as const) {
    const members = [
      { id: long, topics: ['t'], claim: claim(held([0, 1, 2], 3)) },
      { id: late, topics: ['t'], claim: claim([...held([3, 4], 1), ...held([5, 6], 2)]) },
      { id: 'c', topics: ['t'], claim: null },
    ]
    const shares = assign(members, new Map([['t', [0, 1, 2, 3, 4, 5, 6]]]))
    const numbersOf = (id: string) => shares.get(id)?.map(({ partition }) => partition)
    assert.deepEqual(
      [long, late, 'c'].map(numbersOf),
      [
        [0, 1, 2],
        [3, 4],
        [5, 6],
      ],
      `${long} for long`,
    )
  }
})
