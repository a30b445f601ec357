/** Holds what there is against what a case expects. */
import { until } from '../../src/base/poll.ts'
import { historyOf } from './book.ts'
import type { Case } from './case.ts'
import { difference } from './difference.ts'
import type { Expected, ExpectedTransaction, Step } from './expected.ts'
import {
  accountsOf,
  lettersOf,
  namedOf,
  rowsOf,
  signalsOf,
  type TransactionRow,
  transactionOf,
  transactionsSql,
} from './read.ts'
import type { Stage } from './stage.ts'

/** Waits until every transaction has come to where it should, and says then what is not as it should be. Null: nothing. */
export async function outcome(stage: Stage, each: Case): Promise<string | null> {
  const { expected, name } = each
  const isThere = (rows: readonly TransactionRow[]) => {
    const named = namedOf(rows, stage.names(name))
    return Object.entries(expected.transactions).every(([key, { state, rounds }]) => {
      const row = named.get(key)
      return row?.state === state && row.round === rounds.length + 1
    })
  }
  await stage.until(name, isThere, 15_000).catch(() => undefined) // the difference says it better
  let found: string | null = null
  const isRight = async () => {
    found = await compared(stage, each)
    return found === null
  }
  await until('messages to be published', isRight, { forMs: 10_000, everyMs: 200 }).catch(() => undefined)
  return found
}

export async function compared(stage: Stage, each: Case): Promise<string | null> {
  const actual = await actualOf(stage, each)
  return difference(onlyAsked(each.expected, each.expected), onlyAsked(actual, each.expected))
}

async function actualOf({ query, book, engine, ...stage }: Stage, { name }: Case): Promise<Expected> {
  const names = stage.names(name)
  const named = namedOf(await query<TransactionRow>(transactionsSql, [engine.name]), names)
  const ids = [...named.values()].map(({ id }) => id)
  const rows = await rowsOf(query, ids)
  const nameOfId = (id: string) => [...named].find(([, row]) => row.id === id)?.[0] ?? id
  return {
    transactions: Object.fromEntries([...named].map(([key, row]) => [key, transactionOf(row, rows, names)])) as never,
    outside: historyOf(book.lines(new Set(ids))),
    accounts: accountsOf(rows.postings),
    signals: await signalsOf(query, names, nameOfId),
    letters: await lettersOf(query, names),
    ended: rows.ended.map(({ id }) => nameOfId(id)),
  }
}

/** Without what the case does not speak of: outputs and orders that are not written. */
function onlyAsked(all: Expected, asked: Expected): object {
  const { ended, transactions, ...rest } = all
  return {
    ...rest,
    ...(asked.ended && { ended }),
    transactions: Object.fromEntries(
      Object.entries(transactions).map(([name, each]) => [name, transactionAsked(each, asked.transactions[name])]),
    ),
  }
}

function transactionAsked(all: ExpectedTransaction, asked: ExpectedTransaction | undefined): object {
  const { order, steps, ...rest } = all
  return {
    ...rest,
    ...(asked?.order && { order }),
    steps: Object.fromEntries(Object.entries(steps).map(([name, step]) => [name, stepAsked(step, asked?.steps[name])])),
  }
}

function stepAsked({ output, given, ...rest }: Step, asked: Step | undefined): object {
  return { ...rest, ...(asked && 'output' in asked && { output }), ...(asked && 'given' in asked && { given }) }
}
