/**
 * What a failure of Kafka means for messages. `message_refused`: it will never take this one, or one of these.
 * `topic_missing` (retryable): waited for, as it may be made. `outbox_outage` (retryable): everything else.
 */
import { EngineError, messageOf } from '../base/error.ts'

export function kafkaError(error: unknown): EngineError {
  if (error instanceof EngineError) return error
  const type = typeOf(error)
  if (type !== null && refusals.has(type)) {
    return new EngineError('message_refused', `Kafka will never take it: ${messageOf(error)} (${type})`, {
      cause: error,
    })
  }
  if (type === 'UNKNOWN_TOPIC_OR_PARTITION') {
    return new EngineError('topic_missing', 'Kafka does not have the topic', { retryable: true, cause: error })
  }
  return new EngineError('outbox_outage', `Kafka: ${messageOf(error)}`, { retryable: true, cause: error })
}

const refusals: ReadonlySet<string> = new Set([
  'MESSAGE_TOO_LARGE',
  'RECORD_LIST_TOO_LARGE',
  'INVALID_TOPIC_EXCEPTION',
  'INVALID_RECORD',
  'INVALID_TIMESTAMP',
])

/** The client wraps what the broker said in errors of its own. */
function typeOf(error: unknown): string | null {
  for (let at = error, depth = 0; at instanceof Error && depth < wrapsMax; at = at.cause, depth++) {
    if ('type' in at && typeof at.type === 'string') return at.type
  }
  return null
}

const wrapsMax = 10
