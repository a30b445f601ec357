/** Four questions that whoever has run the demo asks next, as SQL on the ledger's views. */
export interface Query {
  readonly question: string
  readonly sql: string
}

export const queries: readonly Query[] = [
  {
    question: 'Why did transactions fail, and how often?',
    sql: `select state, error_code, count(*) as transactions
  from millrace.transactions
 where workflow = 'video-stream'
 group by state, error_code
 order by transactions desc;`,
  },
  {
    question: 'Who has been paid how much, in minor units of each currency?',
    sql: `select account, currency, balance
  from millrace.accounts
 where account !~ '^(viewer|advertiser|clearing)' and balance <> 0
 order by account, currency;`,
  },
  {
    question: 'What was undone, and in which order?',
    sql: `select transaction_id, step, item, outcome, finished_at
  from millrace.attempts
 where direction = 'undo'
 order by transaction_id, finished_at;`,
  },
  {
    question: 'What did the slowest transaction do, attempt by attempt?',
    sql: `select step, attempt, outcome, error_code,
       started_at - eligible_at as waited, finished_at - started_at as ran
  from millrace.attempts
 where transaction_id = (select id from millrace.transactions
                          where ended_at is not null order by duration_ms desc limit 1)
 order by eligible_at, step, attempt;`,
  },
]
