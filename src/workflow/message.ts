/** What a message to Kafka may be, whoever sends it: a workflow's `publish` or a function's `context.emit`. */
import { isCredential } from '../envelope/credentials.ts'

/** Why a header of this name cannot be given to a message; null: it can. */
export function whyReserved(header: string): string | null {
  if (header === '') return 'has no name'
  if (/^millrace-/i.test(header)) return "is one of the engine's own"
  return isCredential(header) ? 'carries credentials, which are not kept with messages' : null
}
