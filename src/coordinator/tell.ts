/** Tells whoever listens what of an entry is durable now. Made only where somebody does. */
import { publish } from '../telemetry/channels.ts'
import type { Durable } from '../telemetry/durable.ts'
import type { Transaction } from '../transaction/transaction.ts'
import type { Entry, EntrySource } from './entry.ts'
import type { Written } from './write.ts'

/** Of a whole commit at once. */
export function tellDurable({ entries, duplicates, returnedUs }: Written): void {
  const durable: Durable[] = []
  for (const each of entries) {
    const { transactions, attempts, endings, deadLetters } = each
    if (transactions.length + attempts.length + endings.length + deadLetters.length === 0) continue
    durable.push(durableOf(each, duplicates, returnedUs))
  }
  if (durable.length > 0) publish('durable', durable)
}

/** What copies of earlier events have come to is told of nowhere: they were not admitted. */
function durableOf(one: Entry, duplicates: Written['duplicates'], returnedUs: number): Durable {
  const { lane, source, transactions, attempts, endings, deadLetters } = one
  const { topic, partition } = lane.partition
  const whole = { admitted: transactions, attempts, endings, letters: deadLetters }
  const rows = duplicates.size === 0 ? whole : without(whole, duplicates)
  return { topic, partition, transactions: transactionsOf(source), ...rows, returnedUs }
}

/** What functions have written, as the ledger has it. */
export function tellLogs({ source, attempts }: Entry, duplicates: ReadonlyMap<string, string>): void {
  for (const { transactionId, step, attempt, logs } of attempts) {
    const transaction = transactionsOf(source).find(({ id }) => id === transactionId)
    if (logs === null || !transaction || duplicates.has(transactionId)) continue
    const { plan, envelope } = transaction
    const of = { workflow: plan.name, step: plan.steps[step]?.id ?? '', attempt, transactionId }
    publish('function.log', { ...of, traceparent: envelope.meta.traceparent, text: logs })
  }
}

type Rows = Pick<Durable, 'admitted' | 'attempts' | 'endings' | 'letters'>

function without({ admitted, attempts, endings, letters }: Rows, duplicates: ReadonlyMap<string, string>): Rows {
  return {
    admitted: admitted.filter(({ id }) => !duplicates.has(id)),
    attempts: attempts.filter(({ transactionId }) => !duplicates.has(transactionId)),
    endings: endings.filter(({ transactionId }) => !duplicates.has(transactionId)),
    letters,
  }
}

/** Whose rows they are. */
export function transactionsOf(source: EntrySource): readonly Transaction[] {
  if (source.kind === 'upkeep') return []
  return source.kind === 'event' ? [source.before] : source.admitted
}
