/**
 * Two coordinators on one ledger under random arrivals, outcomes, failing commits, takeovers, rebalances and deaths.
 * The fakes assert the promise at every commit and every invocation; at the end everything is accounted for.
 * A failure prints the seed and the path that fast-check needs to run it again.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { until } from '../../src/base/poll.ts'
import { fc } from '../support/fuzz.ts'
import { FakeKafka } from './fake-kafka.ts'
import { FakeLedger, poison } from './fake-ledger.ts'
import { resultOf, settled, topic, type World, world } from './world.ts'

const partitions = 2

const workflows = [
  `
name: keyed
on: { kafka: { topic: ${topic} } }
key: event.data.key
steps:
  - { id: first, uses: work, retry: { attempts: 2, initial: 1ms, jitter: false }, optional: true }
  - { id: second, uses: work, when: 'event.data.flavour != "skip"', retry: { attempts: 2, initial: 1ms } }
`,
  `
name: typed
on: { kafka: { topic: ${topic}, type: wanted } }
steps:
  - { id: only, uses: work, with: '\${{ event.data.missing }}', optional: true }
  - { id: last, uses: work }
`,
]

const flavours = ['fine', 'fine', 'fine', 'skip', 'badKey', 'badJson', 'poison', 'tombstone', 'hole', 'typed'] as const
const partition = fc.nat(partitions - 1)
const member = fc.nat(1)
const act = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('produce' as const),
      partition,
      key: fc.nat(2),
      flavour: fc.constantFrom(...flavours),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('answer' as const),
      member,
      at: fc.nat(20),
      how: fc.constantFrom('ok', 'ok', 'ok', 'retry', 'fail', 'lost', 'poison'),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('fault' as const),
      fault: fc.constantFrom(
        'conflict' as const,
        'outage' as const,
        'unknown_landed' as const,
        'unknown_not_landed' as const,
      ),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('steal' as const), partition }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('assign' as const),
      owners: fc.array(fc.nat(2), { minLength: partitions, maxLength: partitions }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('die' as const), member }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('pass' as const), turns: fc.nat(12) }) },
)
type Act = typeof act extends fc.Arbitrary<infer T> ? T : never

test('whatever happens, each record is accounted for once and each key keeps its order', {
  timeout: 120_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(act, { minLength: 10, maxLength: 80 }), async (acts) => {
      const scene = await Scene.begin()
      for (const each of acts) await scene.play(each)
      await scene.finish()
    }),
    parameters(),
  )
})

/** `MILLRACE_RUNS` for a long search, `MILLRACE_SEED` and `MILLRACE_PATH` for what was found. */
function parameters(): fc.Parameters<[Act[]]> {
  const { MILLRACE_RUNS = '60', MILLRACE_SEED, MILLRACE_PATH } = process.env
  if (MILLRACE_SEED === undefined) return { numRuns: Number(MILLRACE_RUNS), includeErrorInReport: true }
  return {
    includeErrorInReport: true,
    seed: Number(MILLRACE_SEED),
    ...(MILLRACE_PATH ? { path: MILLRACE_PATH, endOnFailure: true } : {}),
  }
}

class Scene {
  readonly #kafka = new FakeKafka(topic, partitions)
  readonly #ledger = new FakeLedger()
  #members: World[] = []
  #owners = [0, 1]
  #joined = 0

  static async begin(): Promise<Scene> {
    const scene = new Scene()
    scene.#members = [await scene.#join(), await scene.#join()]
    scene.#assign()
    return scene
  }

  async play(act: Act): Promise<void> {
    if (act.kind === 'produce') this.#produce(act.partition, `k${act.key}`, act.flavour)
    else if (act.kind === 'answer') this.#answer(this.#members[act.member]!, act.at, act.how)
    else if (act.kind === 'fault') this.#ledger.faults.push(act.fault)
    else if (act.kind === 'steal' && this.#ledger.lanes.size > act.partition) this.#ledger.steal(topic, act.partition)
    else if (act.kind === 'assign') {
      this.#owners = act.owners
      this.#assign()
    } else if (act.kind === 'die') await this.#die(act.member)
    else if (act.kind === 'pass') await settled(act.turns * act.turns)
    this.#look()
  }

  /** All trouble ends, everything goes to the first, and what can be done is done. */
  async finish(): Promise<void> {
    this.#ledger.faults.length = 0
    this.#owners = [0, 0]
    this.#assign()
    const isDone = () => {
      this.#look()
      for (const each of this.#members) while (each.workers.waiting.length > 0) this.#answer(each, 0, 'ok')
      return this.#isDone()
    }
    const broke = this.#members.map((each) => each.coordinator.failed.then((error) => Promise.reject(error)))
    await Promise.race([until('all to be recorded and ended', isDone, { forMs: 3000, everyMs: 1 }), ...broke])
    for (const each of this.#members) await each.coordinator.stop(100)
    this.#look()
    this.#account()
  }

  #produce(at: number, key: string, flavour: (typeof flavours)[number]): void {
    const nowUs = Date.now() * 1000
    const data = { key: flavour === 'badKey' ? [1] : key, flavour, text: flavour === 'poison' ? poison : '' }
    const event = { ce_specversion: '1.0', ce_id: 'x', ce_source: 's', ce_type: 'wanted' }
    const headers = Object.entries(event).map(([name, text]) => ({ name, value: Buffer.from(text) }))
    const value = { badJson: Buffer.from('{'), tombstone: null }[flavour as string]
    this.#kafka.produce(at, {
      ...(value === undefined ? { json: data } : { value }),
      offset: this.#kafka.end(at) + (flavour === 'hole' ? 3 : 0),
      headers: flavour === 'typed' ? headers : [],
      // Claims of old times make ids that are lower than those before them.
      timestampUs: nowUs - ((this.#kafka.end(at) * 7919) % 5_000_000_000),
    })
  }

  #answer({ workers, coordinator }: World, at: number, how: string): void {
    if (workers.waiting.length === 0) return
    const [invocation] = workers.waiting.splice(at % workers.waiting.length, 1)
    const outcome = how === 'poison' ? 'ok' : (how as 'ok')
    const output = outcome === 'ok' ? JSON.stringify(how === 'poison' ? poison : null) : null
    coordinator.receiveResults([resultOf(invocation!, { outcome, output, errorCode: outcome === 'ok' ? null : how })])
  }

  #assign(): void {
    this.#members.forEach((each, at) => {
      each.intake.assign([...this.#owners.keys()].filter((one) => this.#owners[one] === at))
    })
  }

  async #join(): Promise<World> {
    const limits = { residentMax: this.#joined++ % 2 === 0 ? 0 : 1000 }
    return world({ workflows, limits, kafka: this.#kafka, ledger: this.#ledger, unassigned: true })
  }

  /** No drain, no goodbye: what it was asked is never answered. Its last commit may still be under way. */
  async #die(at: number): Promise<void> {
    const dead = this.#members[at]!
    this.#kafka.intakes.delete(dead.intake)
    dead.intake.assign([])
    dead.workers.waiting.length = 0
    void dead.coordinator.stop(0)
    this.#members[at] = await this.#join()
    this.#assign()
  }

  #look(): void {
    for (const { problems } of this.#members.map((each) => each.workers)) assert.deepEqual(problems, [])
    assert.deepEqual(this.#ledger.problems, [])
  }

  #isDone(): boolean {
    const read = this.#kafka.partitions.every(
      (_, at) =>
        this.#ledger.lanes.has(`${topic}/${at}`) && this.#ledger.lane(topic, at).nextOffset === this.#kafka.end(at),
    )
    return read && this.#ledger.endings.size === this.#ledger.transactions.size
  }

  #account(): void {
    const ids = new Map([...this.#ledger.plans.values()].map((plan) => [plan.name, plan.workflowId]))
    for (const lane of this.#ledger.lanes.values()) {
      const log = this.#kafka.partitions[lane.partition.partition]!
      for (const { offset } of log) {
        for (const [name, id] of ids) {
          const fates = this.#ledger.fatesOf(lane, id, offset)
          assert.equal(fates.length, 1, `offset ${offset} for ${name}: ${fates.join(' and ')}`)
        }
      }
    }
    for (const id of this.#ledger.transactions.keys()) this.#accountAttempts(id)
    assert.equal(this.#ledger.parked.size, 0)
  }

  #accountAttempts(id: string): void {
    const rows = this.#ledger.attemptsOf(id)
    for (const step of new Set(rows.map((row) => row.step))) {
      const own = rows.filter((row) => row.step === step)
      const first = own[0]?.outcome === 'skipped' ? 0 : 1
      assert.deepEqual(
        own.map((row) => row.attempt),
        own.map((_, at) => at + first),
      )
      assert.deepEqual(
        own.map((row) => row.stepState !== null),
        own.map((_, at) => at === own.length - 1),
      )
    }
  }
}
