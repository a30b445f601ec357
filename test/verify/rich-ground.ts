/** As `ground.ts`, of what is more than a chain: blocks, items, rests, kept events, calls, compensations, money, cancels, rounds. */

import { keyOfSeed } from '../../src/base/key-of-seed.ts'
import { forwardSeed, type Identity, undoSeed } from '../../src/transaction/ids.ts'
import type { RunningCoordinator } from '../support/coordinator.ts'
import { freshScene, type Scene, terminate } from '../support/scene.ts'
import { freshTopic, servers, type TestLedger, unique } from '../support/servers.ts'
import { type Ground, recorded } from './ground.ts'

/** What a trip does besides, in the order of their offsets. */
const odd = ['', '', 'fails', 'late', '', 'stuck', 'branch', 'item', 'again', 'cancelled', 'plain', '']
const rounds = 4

/** `meanwhile`: goes on beside it. It has to see to coordinators then; the one that it answers with is stopped at the end. */
export async function richGround(
  meanwhile: (scene: Scene, env: Ground['env']) => Promise<RunningCoordinator> = async (scene) => scene.start(),
): Promise<Ground> {
  const topic = unique('trips')
  const signals = `${topic}-signals`
  const { producer } = await freshTopic(2, topic)
  const { producer: caller } = await freshTopic(1, signals)
  const scene = patient(await freshScene(files(topic, signals)))
  const { brokers } = await servers()
  const env = {
    KAFKA_BROKERS: brokers.join(','),
    DATABASE_URL: scene.ledger.databaseUrl,
    MILLRACE_ENGINE: scene.engine,
  }
  const beside = meanwhile(scene, env)
  const messages = Array.from({ length: odd.length * rounds }, (_, n) => ({
    key: `customer-${n % 7}`,
    value: JSON.stringify({
      n,
      customer: `customer-${n % 7}`,
      odd: odd[n % odd.length],
      parties: n % 3 === 1 ? [n, 1, 2] : [n],
    }),
  }))
  await caller.send({ topic: signals, messages: [...bad, ...calls(messages.length, ({ n }) => n % 2 === 0)] })
  await producer.send({ topic, messages })
  await waiting(scene, 'cancelled')
  await ask(
    scene.ledger,
    'cancel',
    `state = 'waiting' and event -> 'data' ->> 'odd' = 'cancelled' and workflow = 'trip'`,
  )
  await scene.until(
    'the cancels',
    `select count(*) = ${rounds} and bool_and(state <> 'pending') from millrace.commands`,
  )
  await caller.send({ topic: signals, messages: calls(messages.length, ({ n }) => n % 2 === 1) })
  await scene.until(
    'all trips to end',
    `select count(*) = ${messages.length} and bool_and(ended_at is not null) from millrace.transactions where workflow = 'trip'`,
  )
  await ask(
    scene.ledger,
    'compensate',
    `workflow = 'trip' and state = 'failed' and event -> 'data' ->> 'odd' = 'stuck'`,
  )
  await ask(
    scene.ledger,
    'retry',
    `workflow = 'trip' and state = 'compensated' and event -> 'data' ->> 'odd' = 'again'`,
  )
  await ask(scene.ledger, 'retry', `workflow = 'plain' and state = 'failed'`)
  // Who runs again waits again.
  await caller.send({ topic: signals, messages: calls(messages.length, ({ n }) => odd[n % odd.length] === 'again') })
  await scene.until('commands', `select count(*) > 10 and bool_and(state <> 'pending') from millrace.commands`)
  await scene.until(
    'all to end but those that rest',
    `select bool_and(ended_at is not null or workflow in ('strict', 'resting', 'twin')) from millrace.transactions`,
  )
  await scene.until(
    'those to rest',
    `select count(*) >= 10 from millrace.waits where workflow in ('strict', 'resting', 'twin')`,
  )
  await terminate(await beside)
  return { topic, ledger: scene.ledger, kafka: await recorded(topic, signals), book: await bookOf(scene.ledger), env }
}

/** After a kill a lease is waited for, beside others that are at work. */
function patient(scene: Scene): Scene {
  return { ...scene, until: (what, sql, forMs = 120_000) => scene.until(what, sql, forMs) }
}

const bad = [
  { key: 'bad', value: 'no json' },
  { key: null, value: '{"n":null}' },
]

function calls(count: number, which: (call: { n: number }) => boolean) {
  const all = Array.from({ length: count }, (_, n) => ({ n })).filter(which)
  return all.map((call) => ({ key: 'call', value: JSON.stringify(call) }))
}

async function waiting(scene: Scene, what: string): Promise<void> {
  await scene.until(
    `all that are ${what} to wait`,
    `select count(*) = ${rounds} from millrace.waits w join millrace.transactions t on t.id = w.transaction_id
     where t.event -> 'data' ->> 'odd' = '${what}' and w.topic is not null and t.workflow = 'trip'`,
  )
}

async function ask(ledger: TestLedger, kind: string, which: string): Promise<void> {
  await ledger.query(
    `insert into millrace_data.command (lane_id, kind, target, args, asked_by)
     select d.lane_id, $1, t.id, '{}', 'a test' from millrace.transactions t join millrace_data.transaction d on d.id = t.id where ${which}`,
    [kind],
  )
}

function files(topic: string, signals: string): Record<string, string> {
  return {
    'trip.yaml': `
name: trip
on: { kafka: ${topic} }
key: event.data.customer
deadLetter: { failed: true, topic: ${topic}-dead }
signals: { ${signals}: { key: 'has(event.data.n) && event.data.n != null ? dyn(string(event.data.n)) : dyn(null)', keep: 1h, take: first } }
publish:
  completed: { topic: ${topic}-out, value: { n: '\${{ event.data.n }}' } }
  failed: { topic: ${topic}-out, value: { code: '\${{ error.code }}' } }
steps:
  - id: check
    parallel:
      user: [{ id: user, uses: work, with: { n: 1 } }]
      site:
        - { id: site, uses: work, with: { n: 2, odd: "\${{ event.data.odd == 'branch' ? 'declines' : '' }}" } }
        - { id: site_more, uses: work, with: { n: 3 }, when: event.data.n % 2 == 0 }
  - id: any
    parallel:
      quick: [{ id: quick, uses: work, with: { n: 1 } }]
      slow: [{ id: slow, uses: work, with: { n: 1, odd: declines } }]
    join: 1
    others: finish
  - id: reserve
    uses: pay
    with: { n: '\${{ event.data.n }}', account: reserved }
    publish: [{ topic: ${topic}-out, value: { reserved: 1 } }]
    compensate: { uses: undo, with: { n: '\${{ event.data.n }}' } }
  - id: bill_all
    forEach: event.data.parties
    as: party
    atOnce: 2
    steps:
      - id: bill
        uses: pay
        with: { n: '\${{ party }}', account: "\${{ 'party:' + string(party_index) }}", odd: "\${{ event.data.odd == 'item' && party_index == 2 ? 'declines' : '' }}" }
        publish: [{ topic: ${topic}-out, value: { billed: '\${{ party }}' } }]
        compensate: { uses: undo, with: { n: '\${{ party }}' } }
      - id: each
        forEach: '[1, 2]'
        steps: [{ id: deep, uses: work, with: { n: '\${{ item }}' } }]
  - id: route
    switch:
      - when: event.data.n % 2 == 0
        steps: [{ id: even, uses: work, with: { n: 1 } }]
      - steps: [{ id: odd, uses: work, with: { n: 1 } }]
  - { id: nap, sleep: 150ms }
  - id: call
    wait: { topic: ${signals}, key: string(event.data.n), timeout: "\${{ '' }}" , onTimeout: continue }
  - { id: brief, wait: { topic: ${signals}, key: "'nobody'", timeout: 200ms, onTimeout: continue } }
  - id: sub
    call: other
    with: { n: '\${{ event.data.n }}' }
  - id: own
    uses: pay
    with: { n: 5, account: owned }
    compensate: { uses: give, with: { n: 5 }, postings: own }
  - id: last
    uses: work
    with: { n: '\${{ event.data.n }}', odd: "\${{ event.data.odd in ['fails', 'stuck', 'again'] ? 'declines' : '' }}" }
`.replace(`timeout: "\${{ '' }}" `, 'timeout: 5m'),
    'other.yaml': `
name: other
deadLetter: { failed: true, topic: ${topic}-dead }
steps:
  - { id: inner, uses: pay, with: { n: '\${{ event.data.n }}', account: inner }, compensate: { uses: undo, with: { n: 0 } } }
  - { id: given, uses: work, with: { n: '\${{ event.data.n }}' } }
`,
    'plain.yaml': `
name: plain
on: { kafka: ${topic} }
key: event.data.customer
steps:
  - { id: first, uses: work, with: { n: 1 } }
  - { id: second, uses: work, with: { n: 1, odd: "\${{ event.data.odd == 'plain' ? 'declines' : '' }}" } }
`,
    'chain.yaml': `
name: chain
on: { kafka: ${topic} }
key: event.data.customer
steps:
  - { id: one, uses: pay, with: { n: 3, account: one }, compensate: undo }
  - { id: two, uses: slow, with: { ms: "\${{ event.data.odd == 'late' ? 2000 : 1 }}" }, timeout: 200ms, retry: { attempts: 1 }, compensate: undo }
  - { id: three, uses: pay, with: { n: 3, account: three }, compensate: undo }
  - { id: four, uses: work, with: { n: 1, odd: "\${{ event.data.odd == 'fails' ? 'declines' : '' }}" } }
`,
    'strict.yaml': `
name: strict
order: strict
on: { kafka: ${topic} }
key: event.data.customer
steps:
  - { id: begin, uses: work, with: { n: 1 } }
  - { id: hold, wait: { topic: ${signals}, key: "'nobody'", timeout: 2d } }
`,
    'resting.yaml': `
name: resting
on: { kafka: ${topic} }
key: event.data.customer
signals: { ${signals}: { key: 'has(event.data.n) && event.data.n != null ? dyn(string(event.data.n % 4)) : dyn(null)' } }
steps:
  - { id: begin, uses: work, with: { n: 1 } }
  - { id: hear, wait: { topic: ${signals}, key: string(event.data.n % 8) } }
  - { id: end, uses: work, with: { n: 1 } }
`,
    'twin.yaml': `
name: twin
on: { kafka: ${topic} }
steps:
  - id: both
    parallel:
      one: [{ id: long, sleep: 2d }]
      two: [{ id: never, wait: { topic: ${signals}, key: "'nobody'" } }]
`,
    'functions/work.ts': `
import { defineFunction, fail, z } from 'millrace'
export default defineFunction({
  input: z.object({ n: z.number(), odd: z.string().optional() }).loose(),
  async run({ input }) {
    await new Promise((resolve) => setTimeout(resolve, 5))
    return input.odd === 'declines' ? fail('declined', 'as asked') : { n: input.n }
  },
})`,
    'functions/pay.ts': `
import { defineFunction, fail, z } from 'millrace'
export default defineFunction({
  input: z.object({ n: z.number(), account: z.string(), odd: z.string().optional() }).loose(),
  async run({ input, context }) {
    await new Promise((resolve) => setTimeout(resolve, 5))
    if (input.odd === 'declines') return fail('declined', 'as asked')
    const place = { debit: 'cash', credit: input.account, currency: 'EUR' }
    context.post({ ...place, amount: 100 + input.n, key: context.idempotencyKey })
    context.post({ ...place, amount: 7 })
    return { n: input.n }
  },
})`,
    'functions/slow.ts': `
import { defineFunction, z } from 'millrace'
export default defineFunction({
  input: z.object({ ms: z.number() }),
  async run({ input }) {
    await new Promise((resolve) => setTimeout(resolve, input.ms))
    return null
  },
})`,
    'functions/give.ts': `
import { defineFunction, z } from 'millrace'
export default defineFunction({
  async run({ context }) {
    context.post({ debit: 'owned', credit: 'cash', amount: 112, currency: 'EUR' })
    return null
  },
})`,
    'functions/undo.ts': `
import { defineFunction, fail, z } from 'millrace'
import { existsSync, writeFileSync } from 'node:fs'
export default defineFunction({
  input: z.object({ n: z.number().optional() }).loose(),
  async run({ input, context }) {
    await new Promise((resolve) => setTimeout(resolve, 5))
    // Of every stuck trip the first try fails for good, that of its reservation.
    if (context.step === 'reserve' && input.n !== undefined && input.n % 12 === 5 && context.attempt === 1) return fail('stuck', 'as asked')
    return { undone: true }
  },
})`,
  }
}

/** What a provider would have written that the function \`pay\` and what undoes it call. */
async function bookOf(ledger: TestLedger): Promise<string[]> {
  const rows = await ledger.query<
    Identity['position'] & { id: string; step: string; item: string; direction: string; round: number; state: string }
  >(
    `select t.id, topic, kafka_partition as partition, kafka_offset::int as offset, a.step, a.item, a.direction, a.round, t.state
     from millrace.attempts a join millrace.transactions t on t.id = a.transaction_id
     where function in ('pay', 'undo') and outcome = 'ok' order by committed_at, 1`,
  )
  return rows.map(({ id, step, item, direction, round, state, ...position }) => {
    const key = keyIn({ id, position }, step, item, direction, round)
    return JSON.stringify({ key, status: 'succeeded', id, position, step, item, direction, round, state })
  })
}

export function keyIn(transaction: Identity, step: string, item: string, direction: string, round: number): string {
  const seed = direction === 'undo' ? undoSeed : forwardSeed
  return keyOfSeed(seed(transaction, step, item, round))
}
