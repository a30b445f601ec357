/** The oracle of the language sees: of errands that went right, each thing that is made wrong is named. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { after, test } from 'node:test'
import { openArena } from '../arena.ts'
import { startGround } from '../ground.ts'
import { readHeld } from '../held.ts'
import { errandOracle } from '../rows/errands.ts'
import { settled } from '../trial.ts'
import { errandOf, errands } from './errand.ts'
import { judgeSagas } from './oracle.ts'

const ground = await startGround({ own: false })
after(() => ground.stop())
const arena = await openArena({ ground, name: 'sagas', project: errands, perSecond: 60, make: (n) => [errandOf(n)] })
after(() => arena.close())
arena.start()
await arena.publisher.finish(60)
await settled(arena, 120_000)
assert.deepEqual(await arena.stopMembers(), [])
const held = await readHeld(arena)
const book = readFileSync(arena.bookFile, 'utf8')
const judged = async () => (await judgeSagas(arena, errandOracle, { held })).problems.join('\n')

test('what is right is found right', async () => {
  assert.equal(await judged(), '')
})

/** Some errand that was undone when all of it was done. */
const undone =
  "(select id from millrace.transactions where workflow = 'errand' and error_code = 'unlucky' order by id limit 1)"
const completed = undone.replace("error_code = 'unlucky'", "state = 'completed'")
/** Steps by their place in the file; a compensation is right behind its own. */
const take = 4
const own = (which: string) => `where transaction_id = ${which}`

const tampered: readonly (readonly [name: string, seen: RegExp, ...sql: string[]])[] = [
  [
    'a transaction is gone',
    /^lost: errand .*: nothing$/m,
    `delete from millrace_data.transaction where id = ${completed}`,
  ],
  [
    'one ended otherwise',
    /^lost: .* compensated unlucky, and was to be completed$/m,
    `update millrace_data.ending set state = 3, error_code = 'unlucky' ${own(completed)}`,
  ],
  [
    'something was not undone',
    /^lost: .* is compensated, and take\[1\] is ok$/m,
    `delete from millrace_data.attempt ${own(undone)} and step = ${take + 1} and item = '1'`,
  ],
  [
    'something of a completed one was undone',
    /^lost: .* is completed, and take\[0\] is compensated$/m,
    `update millrace_data.ending set state = 1, error_code = null ${own(undone)}`,
  ],
  [
    'something was undone twice',
    /^doubled: .* take\[0\] undo: 2 ok in round 1$/m,
    `create temporary table copy on commit drop as select * from millrace_data.attempt ${own(undone)}
       and step = ${take + 1} and item = '0'`,
    'update copy set attempt = 2',
    'insert into millrace_data.attempt select * from copy',
  ],
  [
    'the first was undone before the last',
    /^out of order: .*: take\[\d\] was undone before take\[2\], which was done after it$/m,
    `update millrace_data.attempt set dispatched_at = dispatched_at - interval '1 minute' ${own(undone)}
       and step = ${take + 1} and item in ('0', '1')`,
  ],
  [
    'two were undone beside each other',
    /^out of order: .* were undone beside each other$/m,
    `update millrace_data.attempt set received_at = received_at + interval '1 minute' ${own(undone)}
       and step = ${take + 1} and item = '2'`,
  ],
  [
    'one ran beside another of its key',
    /^out of order: .* ms before .* was over$/m,
    `update millrace_data.attempt set received_at = received_at + interval '1 hour'
       where step = ${take} and transaction_id in (select id from millrace.transactions where workflow = 'errand'
         and kafka_offset = 0)`,
  ],
  [
    'an event for one is had by two',
    /^doubled: event .* is for one, and 2 have it$/m,
    `insert into millrace_data.taken (signal_id, transaction_id, step, item, is_only, commit_id)
       select s.id, ${completed}, 99, '', false, 1 from millrace.signals s
       where take = 'first' and not ${completed} = any(taken_by) limit 1`,
  ],
  [
    'an event was lost',
    /^lost: .*\.go\/\d\/\d+ is there 0 times$/m,
    "delete from millrace_data.signal where id = (select id from millrace.signals where topic like '%.go' limit 1)",
  ],
  [
    'one rests on',
    /^lost: .* is to be looked at$/m,
    `insert into millrace_data.look (transaction_id, step, item, lane_id)
       select ${completed}, 1, '', lane_id from millrace_data.transaction limit 1`,
  ],
  [
    'what was called was not undone',
    /^lost: .* is compensated, and .*, which it called, is completed$/m,
    `update millrace_data.ending set state = 1, error_code = null
       where transaction_id = (select c.id from millrace.transactions c join millrace.transactions p on p.id = c.parent_id
         where p.state = 'compensated' and c.state = 'compensated' limit 1)`,
  ],
]

for (const [name, seen, ...sql] of tampered) {
  test(`it sees that ${name}`, async () => {
    await arena.query('begin')
    try {
      for (const statement of sql) await arena.query(statement)
      assert.match(await judged(), seen)
    } finally {
      await arena.query('rollback')
    }
  })
}

const lines = book.trimEnd().split('\n')
const charge = lines.find((line) => line.includes('"kind":"charge"') && line.includes('"status":"succeeded"')) as string
const books: readonly (readonly [name: string, seen: RegExp, changed: readonly string[]])[] = [
  ['a charge is missing', /^charged wrongly: .*: ledger .*, book 0$/m, lines.filter((line) => line !== charge)],
  [
    'a charge is there twice',
    /^charged wrongly: .*: ledger .*, book .*$/m,
    [...lines, JSON.stringify({ ...JSON.parse(charge), no: lines.length + 1, key: 'another' })],
  ],
  [
    'a charge was never undone',
    /^charged wrongly: .*: ledger 0, book -\d+$/m,
    lines.filter((line) => !line.includes('"kind":"void"')),
  ],
]

for (const [name, seen, changed] of books) {
  test(`it sees that in the book ${name}`, async () => {
    writeFileSync(arena.bookFile, `${changed.join('\n')}\n`)
    const problems = await judged()
    writeFileSync(arena.bookFile, book)
    assert.match(problems, seen)
  })
}
