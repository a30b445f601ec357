/** What the view `steps` says: of what is to come, of what does not come any more, and after a retry. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Batch } from '../../src/coordinator/ports.ts'
import { planFromSource } from '../../src/workflow/parse.ts'
import { attempt, baseUs, batch, ending, idOf, progress, scene, take, topic, transaction } from './scene.ts'

async function made(steps: string) {
  const { db, ledger } = await scene(1)
  const plan = planFromSource(`\nname: film\non: { kafka: { topic: ${topic} } }\nsteps:${steps}`, 'film.yaml')
  const ids = (await ledger.register([plan])).get(plan.version)
  assert.ok(ids)
  const lane = await take(ledger, 0)
  const write = (rest: Partial<Batch>) => ledger.commit(batch([progress(lane, 9)], rest))
  const no = (id: string) => plan.byId.get(id)?.no as number
  let seq = 0
  const ended = (id: string, what = {}, item = '') => attempt(lane, 1, { step: no(id), item, seq: ++seq, ...what })
  await write({ transactions: [transaction(lane, ids.versionId, 1)] })
  return {
    ended,
    write,
    skipped: (id: string, item = '') =>
      ended(id, { attempt: 0, outcome: 'skipped', stepState: 'skipped', output: null }, item),
    turn: () =>
      write({
        turns: [
          {
            laneId: lane.laneId,
            transactionId: idOf(1),
            round: 1,
            code: 'broke',
            message: 'it broke',
            isCancel: false,
            atUs: baseUs,
          },
        ],
      }),
    end: (state: 'completed' | 'failed') =>
      write({ endings: [ending(lane, 1, { state, errorCode: state === 'failed' ? 'broke' : null })] }),
    again: (round: number, from: string) =>
      write({
        reopened: [
          { laneId: lane.laneId, transactionId: idOf(1), round, from: no(from), input: null, atUs: baseUs, by: 'me' },
        ],
      }),
    steps: async () => {
      const rows = await db.query<{ step: string; item: string; state: string }>(
        'select step, item, state from millrace.steps where transaction_id = $1 order by position, item',
        [idOf(1)],
      )
      return rows.map(({ step, item, state }) => `${step}${item === '' ? '' : `[${item}]`} ${state}`).join(', ')
    },
  }
}

const failed = { outcome: 'fail', stepState: 'failed', output: null, errorCode: 'broke' }

test('of a switch: the case that was taken, and none of another one', async () => {
  const { ended, write, steps } = await made(`
  - id: choose
    switch:
      - when: event.data.a
        steps: [{ id: a1, uses: f }, { id: both, parallel: { x: [{ id: ax, uses: f }], y: [{ id: ay, uses: f }] } }]
      - steps: [{ id: b1, uses: f }, { id: b2, uses: f }]
  - { id: last, uses: f }`)
  const all = 'choose running, a1 pending, both pending, ax pending, ay pending, b1 pending, b2 pending, last pending'
  assert.equal(await steps(), all)
  await write({ attempts: [ended('b1')] })
  assert.equal(await steps(), 'choose running, b1 ok, b2 running, last pending')
  await write({ attempts: [ended('b2'), ended('choose')] })
  assert.equal(await steps(), 'choose ok, b1 ok, b2 ok, last running')
})

test('of one that was taken by its first branch, too', async () => {
  const { ended, write, steps } = await made(`
  - id: choose
    switch:
      - when: event.data.a
        steps: [{ id: both, parallel: { x: [{ id: ax, uses: f }], y: [{ id: ay, uses: f }] } }, { id: a2, uses: f }]
      - steps: [{ id: b1, uses: f }]`)
  await write({ attempts: [ended('ay')] })
  assert.equal(await steps(), 'choose running, both running, ax pending, ay ok, a2 pending')
})

test('of a block that has ended: nothing that has not come', async () => {
  const { ended, write, steps } = await made(`
  - id: race
    parallel: { x: [{ id: x1, uses: f }], y: [{ id: y1, uses: f }, { id: y2, uses: f }] }
    join: any
  - { id: last, uses: f }`)
  await write({ attempts: [ended('x1'), ended('y1', failed), ended('race')] })
  assert.equal(await steps(), 'race ok, x1 ok, y1 failed, last running')
})

test('nothing runs behind a step that failed, unless it was optional', async () => {
  const { ended, write, steps, turn } = await made(`
  - { id: a, uses: f, compensate: g }
  - { id: b, uses: f, optional: true }
  - id: both
    parallel: { x: [{ id: x1, uses: f }, { id: x2, uses: f }], y: [{ id: y1, uses: f }, { id: y2, uses: f }] }
    join: each
  - { id: c, uses: f }`)
  await write({ attempts: [ended('a'), ended('b', failed)] })
  const ahead = 'both running, x1 running, x2 pending, y1 running, y2 pending, c pending'
  assert.equal(await steps(), `a ok, b failed, ${ahead}`)
  await write({ attempts: [ended('x1', failed)] })
  assert.equal(await steps(), 'a ok, b failed, both running, x1 failed, y1 running, y2 pending, c pending')
  await write({ attempts: [ended('y1', failed), ended('both', failed)] })
  await turn()
  assert.equal(await steps(), 'a ok, b failed, both failed, x1 failed, y1 failed')
})

test('skipped in another round, it is so again when something behind it has come', async () => {
  const { ended, skipped, write, steps, end, again } = await made(`
  - { id: a, uses: f }
  - { id: odd, uses: f, when: event.data.a }
  - { id: each, forEach: event.data.list, steps: [{ id: one, uses: f, when: event.data.a }, { id: two, uses: f }] }
  - { id: last, uses: f }`)
  await write({
    attempts: [ended('a'), skipped('odd'), skipped('one', '0'), ended('two', failed, '0'), ended('each', failed)],
  })
  await end('failed')
  assert.equal(await steps(), 'a ok, odd skipped, each failed, one[0] skipped, two[0] failed')
  await again(2, 'a')
  assert.equal(await steps(), 'a running, odd pending, each pending, last pending')
  await write({ attempts: [ended('a', { attempt: 2, round: 2 })] })
  assert.equal(await steps(), 'a ok, odd running, each pending, last pending', 'nobody can tell yet')
  await write({ attempts: [ended('two', { attempt: 2, round: 2 }, '0')] })
  assert.equal(await steps(), 'a ok, odd skipped, each running, one[0] skipped, two[0] ok, last pending')
  await write({ attempts: [ended('each', { attempt: 2, round: 2 }), ended('last', { ...failed, round: 2 })] })
  await end('failed')
  assert.equal(await steps(), 'a ok, odd skipped, each ok, one[0] skipped, two[0] ok, last failed')
})

test('skipped in another round, it is not listed when this one ended before it', async () => {
  const { ended, skipped, write, steps, end, again } = await made(`
  - { id: a, uses: f }
  - { id: odd, uses: f, when: event.data.a }
  - { id: b, uses: f }`)
  await write({ attempts: [ended('a'), skipped('odd'), ended('b', failed)] })
  await end('failed')
  await again(2, 'a')
  await write({ attempts: [ended('a', { ...failed, attempt: 2, round: 2 })] })
  await end('failed')
  assert.equal(await steps(), 'a failed')
  await again(3, 'a')
  await write({ attempts: [ended('a', { attempt: 3, round: 3 }), ended('odd', { attempt: 1, round: 3 })] })
  assert.equal(await steps(), 'a ok, odd ok, b running')
})
