/** Whatever is done to a row of the ledger, `verify` names the place. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { freshGround, tampered } from './ground.ts'
import { tampers } from './tampers.ts'

const ground = await freshGround()

test('a ledger that nobody has touched is well', async () => {
  const { report } = await tampered(ground, 'select 1')
  assert.deepEqual(
    report.checks.flatMap((each) => each.findings),
    [],
  )
  assert.ok(report.ok)
  assert.deepEqual(report.notes, [])
  assert.ok(report.transactions > 200 && report.records > 120)
})

for (const { name, sql, kind } of tampers) {
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
