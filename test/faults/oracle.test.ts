/** The oracle sees: of a ledger and a book that were right, each thing that is made wrong is named. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { after, test } from 'node:test'
import { openArena } from './arena.ts'
import { startGround } from './ground.ts'
import { readHeld } from './held.ts'
import { judge } from './oracle.ts'
import { oneBadIn } from './rows/records.ts'
import { settled } from './trial.ts'

const ground = await startGround({ own: false })
after(() => ground.stop())
const arena = await openArena({ ground, name: 'oracle', perSecond: 500, make: oneBadIn(10) })
after(() => arena.close())
arena.start()
await arena.publisher.finish(400)
await settled(arena, 60_000)
assert.deepEqual(await arena.stopMembers(), [])
const held = await readHeld(arena)
const book = readFileSync(arena.bookFile, 'utf8')

test('what is right is found right', async () => {
  assert.deepEqual((await judge(arena, { held })).problems, [])
})

/** Some finished transaction of `charge`. */
const some =
  "(select id from millrace.transactions where workflow = 'charge' and state = 'completed' order by id limit 1)"
/** Its second step, which has one attempt. */
const attempt = `where step = 1 and transaction_id = ${some}`

const tampered: readonly (readonly [name: string, seen: RegExp, ...sql: string[]])[] = [
  ['a transaction is gone', /^lost: charge .*: nothing$/m, `delete from millrace_data.transaction where id = ${some}`],
  ['one never ended', /^lost: .* never ended$/m, `delete from millrace_data.ending where transaction_id = ${some}`],
  [
    'one failed',
    /^lost: .*: failed \(x\)$/m,
    `update millrace_data.ending set state = 2, error_code = 'x' where transaction_id = ${some}`,
  ],
  [
    'one is there twice',
    /^doubled: charge .*: transaction, transaction$/m,
    ...copied('transaction', `where id = ${some}`, 'id = gen_random_uuid()'),
  ],
  [
    'an offset moved',
    /^doubled: .*: transaction, and Kafka holds nothing there$/m,
    `update millrace_data.transaction set kafka_offset = 1000000 where id = ${some}`,
  ],
  ['a dead letter is gone', /^lost: .*: nothing$/m, 'delete from millrace_data.dead_letter'],
  [
    'a dead letter has other bytes',
    /^lost: .* its dead letter has other bytes$/m,
    `update millrace_data.dead_letter set value = '\\x00'`,
  ],
  [
    'an attempt is gone',
    /^lost: .* is completed with 2 settled steps$/m,
    `delete from millrace_data.attempt ${attempt}`,
  ],
  [
    'attempts have a gap',
    /^doubled: .* charge: 1 ok among attempts 2$/m,
    `update millrace_data.attempt set attempt = 2 ${attempt}`,
  ],
  [
    'a step was done twice',
    /^doubled: .* charge: 2 ok among attempts 1, 2$/m,
    ...copied('attempt', attempt, 'attempt = 2'),
  ],
  [
    'an outcome is another',
    /^lost: .* is completed with 2 settled steps$/m,
    `update millrace_data.attempt set outcome = 3, step_state = 3, error_code = 'x' ${attempt}`,
  ],
  [
    'one began too early',
    /^out of order: .* before its predecessor had ended$/m,
    `update millrace_data.ending set ended_at = ended_at + interval '1 hour'`,
  ],
]

for (const [name, seen, ...sql] of tampered) {
  test(`it sees that ${name}`, async () => {
    await arena.query('begin')
    for (const statement of sql) assert.ok(await arena.query(statement))
    const { problems } = await judge(arena, { held })
    await arena.query('rollback')
    assert.match(problems.join('\n'), seen)
  })
}

const lines = book.trimEnd().split('\n')
const books: readonly (readonly [name: string, seen: RegExp, changed: readonly string[]])[] = [
  ['a charge is missing', /^lost: .* was never charged$/m, lines.slice(1)],
  ['a charge is there twice', /^charged twice: .* was charged 2 times$/m, [...lines, withKey(lines[0] as string)]],
  ['a charge is nobody’s', /^lost: .* is not in the ledger$/m, [...lines, withKey(stranger(lines[0] as string))]],
  ['charges are out of order', /^out of order: .* was charged after \d+$/m, renumbered([...lines].reverse())],
]

for (const [name, seen, changed] of books) {
  test(`it sees that in the book ${name}`, async () => {
    writeFileSync(arena.bookFile, `${changed.join('\n')}\n`)
    const { problems } = await judge(arena, { held })
    writeFileSync(arena.bookFile, book)
    assert.match(problems.join('\n'), seen)
  })
}

function copied(table: string, where: string, change: string): string[] {
  return [
    `create temporary table copy on commit drop as select * from millrace_data.${table} ${where}`,
    `update copy set ${change}`,
    `insert into millrace_data.${table} select * from copy`,
  ]
}

function withKey(line: string): string {
  return JSON.stringify({ ...JSON.parse(line), no: lines.length + 1, key: 'another' })
}

function stranger(line: string): string {
  return JSON.stringify({ ...JSON.parse(line), reference: '00000000-0000-8000-8000-000000000000' })
}

function renumbered(all: readonly string[]): string[] {
  return all.map((line, at) => JSON.stringify({ ...JSON.parse(line), no: at + 1 }))
}
