/** Whatever is done to a row of what is more than a chain, `verify` names the place. */
import assert from 'node:assert/strict'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { tampered } from './ground.ts'
import { keyIn, richGround } from './rich-ground.ts'
import { richTampers } from './rich-tampers.ts'

const ground = await richGround()

test('a ledger that nobody has touched is well, and so is the book', async () => {
  const bookFile = join(mkdtempSync(join(tmpdir(), 'millrace-book-')), 'book.jsonl')
  writeFileSync(bookFile, ground.book.map((line) => `${line}\n`).join(''))
  const { report } = await tampered(ground, 'select 1', { bookFile })
  assert.deepEqual(
    report.checks.flatMap((each) => each.findings),
    [],
  )
  assert.deepEqual(report.notes, [])
})

const dir = mkdtempSync(join(tmpdir(), 'millrace-book-'))
const books: [string, (lines: string[]) => string[], string][] = [
  ['with a charge for an item that there is not', (lines) => [...lines, line('bill', '7')], 'charged_by_nobody'],
  [
    'with a compensation that nobody asked for',
    (lines) => [...lines, line('reserve', '', 'undo')],
    'charged_by_nobody',
  ],
  ['without the charge of an item', (lines) => lines.toSpliced(at('bill', '1'), 1), 'not_charged'],
  ['without a compensation', (lines) => lines.toSpliced(at('reserve', '', 'undo'), 1), 'not_charged'],
  ['without a charge of a second round', (lines) => lines.toSpliced(at('own', '', 'forward', 2), 1), 'not_charged'],
]

/** Where the book has such a line. */
function at(step: string, item = '', direction = 'forward', round = 1): number {
  const found = ground.book.findIndex((text) => {
    const each = JSON.parse(text)
    return each.step === step && each.item === item && each.direction === direction && each.round === round
  })
  assert.notEqual(found, -1)
  return found
}

/** Of a transaction that has completed. */
function line(step: string, item: string, direction = 'forward'): string {
  const [{ id, position }] = ground.book.map((text) => JSON.parse(text)).filter(({ state }) => state === 'completed')
  return JSON.stringify({ key: keyIn({ id, position }, step, item, direction, 1) })
}

for (const [name, change, kind] of books) {
  test(`the provider’s book ${name}: ${kind}`, async () => {
    const bookFile = join(dir, `${name}.jsonl`)
    writeFileSync(
      bookFile,
      change([...ground.book])
        .map((each) => `${each}\n`)
        .join(''),
    )
    const { report } = await tampered(ground, 'select 1', { bookFile })
    assert.equal(report.first?.kind, kind)
  })
}

for (const { name, sql, kind } of richTampers) {
  test(`${name}: ${kind}`, async () => {
    const { report, row } = await tampered(ground, sql)
    const { first } = report
    const all = JSON.stringify(
      report.checks.flatMap((each) => each.findings),
      null,
      1,
    )
    assert.equal(first?.kind, kind, all)
    if (row.at !== undefined) assert.equal(String(first?.offset), String(row.at))
    if (row.id !== undefined) assert.equal(first?.id, String(row.id))
    assert.ok(first?.look && first.expected && first.found)
  })
}
