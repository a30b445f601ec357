/** Dead letters by an operator's own predicate. It can look at anything, and change nothing. */
import { EngineError, messageOf } from '../../base/error.ts'
import { type Connections, connect } from '../connect.ts'
import { isoText } from './time.ts'

export interface LetterRead {
  readonly id: string
  readonly topic: string
  readonly kafka_partition: number
  readonly kafka_offset: number
  readonly workflow: string | null
  readonly code: string
  readonly reason: string
  readonly received_at: string
  readonly state: 'open' | 'redriven' | 'discarded'
  readonly transaction_id: string | null
}

export interface LetterContent extends LetterRead {
  readonly key: Buffer | null
  readonly value: Buffer | null
  /** JSON text: name -> text or {"base64": …}; credentials are not among them. */
  readonly headers: string
}

const recordOrder = 'd.topic, d.kafka_partition, d.kafka_offset, d.received_at, d.id'

/** More at once are asked for with a narrower predicate. */
export const lettersMax = 100_000

/** A predicate may take so long, in milliseconds. */
const whereMsMax = 60_000

const columns = `
id, topic, kafka_partition, kafka_offset::float8 as kafka_offset, workflow, code, reason, ${isoText('received_at')}, state,
transaction_id`

/** In the order of their records, for that is the order of their keys. Throws `EngineError` `where_invalid` with what Postgres says of the predicate. */
export async function lettersWhere(databaseUrl: string, where: string): Promise<LetterRead[]> {
  const db = connect({ databaseUrl, connectionsMax: 1, answerMsMax: whereMsMax + 5000 })
  try {
    await db.query({
      text: `select set_config('default_transaction_read_only', 'on', false), set_config('statement_timeout', $1, false)`,
      values: [String(whereMsMax)],
    })
    return await matching(db, where)
  } finally {
    await db.end()
  }
}

/** With a parameter it is one statement for the server, whatever the predicate holds. */
async function matching(db: Connections, where: string): Promise<LetterRead[]> {
  try {
    return await db.query<LetterRead & Record<string, unknown>>({
      text: `select ${columns}\nfrom millrace.dead_letters d where (${where}\n)\norder by ${recordOrder} limit $1`,
      values: [lettersMax + 1],
    })
  } catch (error) {
    throw isOfThePredicate(error) ? invalid(where, error) : error
  }
}

/** 42P01 before the predicate is even looked at means that there is no ledger. */
function isOfThePredicate(error: unknown): error is EngineError {
  if (!(error instanceof EngineError)) return false
  const state = String(error.details.sqlState)
  return (
    (/^(?:42(?!501)|22|0A|21|25|38|P0)/.test(state) && !error.message.includes('millrace.dead_letters')) ||
    state === '57014'
  )
}

function invalid(where: string, error: EngineError): EngineError {
  const took = error.details.sqlState === '57014'
  const said = took ? `it took longer than ${whereMsMax / 1000} s` : messageOf(error.cause)
  const message = `--where ${where}\n  ${said}\n  expected an SQL predicate over the columns of millrace.dead_letters: id, topic,
  kafka_partition, kafka_offset, workflow, code, reason, received_at, state, transaction_id, key, value, headers, engine`
  return new EngineError('where_invalid', message, { cause: error })
}

/** What is in them, some at a time: values may be large. */
export async function contentOf(db: Connections, ids: readonly string[]): Promise<LetterContent[]> {
  return db.query<LetterContent & Record<string, unknown>>({
    text: `
select ${columns}, key, value, headers::text as headers
from millrace.dead_letters d where d.id = any($1::uuid[]) order by ${recordOrder}`,
    values: [ids],
  })
}
