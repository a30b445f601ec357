/**
 * The workflow language by its cases: small workflows, the events that they get, and what the ledger holds then, for each
 * construct and for each way that it can fail. All run beside each other in one engine on a real Kafka and a real Postgres.
 * `LANGUAGE_CASES=a,b` runs those alone and tells what the ledger says of them: see `npm run language`.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { millrace } from '../cli/millrace.ts'
import { caseNames, exampleNames, readCase } from './case.ts'
import { compared, outcome } from './compare.ts'
import { perform } from './perform.ts'
import { namedOf, type TransactionRow, transactionsSql } from './read.ts'
import { examples } from './reference.ts'
import { freshStage } from './stage.ts'

const asked = process.env.LANGUAGE_CASES?.split(',')
const cases = (asked ?? caseNames()).map(readCase)
const stage = await freshStage(cases)
/** More at once would only wait for each other, and time is what some of them are about. */
const atOnce = 12
/** Those that came to what they should. */
const right = new Set<string>()

test('every example of the reference runs in a case', () => {
  assert.deepEqual(caseNames().flatMap(exampleNames).sort(), [...examples().keys()].sort())
})

describe('cases', { concurrency: atOnce }, () => {
  for (const each of cases) {
    test(`${each.name}: ${each.about}`, async () => {
      const failure = await perform(stage, each).then(
        () => null,
        (error: Error) => error.message,
      )
      const found = await outcome(stage, each)
      if (asked) await tell(each.name)
      if (failure === null && found === null) return void right.add(each.name)
      assert.fail([failure, found, logsOf(each.name)].filter(Boolean).join('\n\n'))
    })
  }
})

test('nothing more happens to them', nothingMore)

test('nothing more happens to them when another coordinator takes over', async () => {
  await stage.engine.stop()
  await stage.engine.start()
  await nothingMore()
})

async function nothingMore(): Promise<void> {
  for (const each of cases.filter(({ name }) => right.has(name))) {
    const found = await compared(stage, each)
    assert.ok(found === null, `${each.name}:\n${found}`)
  }
}

/** What the coordinator logged about it. */
function logsOf(name: string): string {
  const lines = stage.engine.logs().split('\n')
  return lines
    .filter((line) => line.includes(`${name}--`))
    .slice(-10)
    .join('\n')
}

async function tell(name: string): Promise<void> {
  const rows = await stage.query<TransactionRow>(transactionsSql, [stage.engine.name])
  for (const [key, { id }] of namedOf(rows, stage.names(name))) {
    const { stdout, stderr } = await millrace(stage.dir, ['show', id], { env: { DATABASE_URL: stage.databaseUrl } })
    console.log(`\n── ${name}: ${key} ──\n${stdout}${stderr}`)
  }
}
