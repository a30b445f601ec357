/** What the client says of a failure, in words for whoever has set up the way to Kafka. */
import { messageOf } from '../base/error.ts'

export function said(error: unknown): string {
  const words = [error, (error as { cause?: unknown } | null)?.cause].flatMap((each) => wordsFor(each) ?? [])
  return words[0] ?? messageOf(error).replace(/^Connection error: /, '')
}

function wordsFor(error: unknown): string | undefined {
  const { type, message = '' } = (error ?? {}) as { type?: unknown; message?: string }
  if (type === 'ILLEGAL_SASL_STATE') {
    return 'the broker takes no login at this port: is KAFKA_SASL_MECHANISM set by mistake, or is another port meant?'
  }
  const isUnknown = type === 'UNSUPPORTED_SASL_MECHANISM' || /mechanism is not supported by the server/.test(message)
  return isUnknown
    ? 'the broker does not know this way to log in: KAFKA_SASL_MECHANISM names another than it takes'
    : undefined
}
