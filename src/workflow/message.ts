/** What a message to Kafka may be, whoever sends it: a workflow's `publish` or a function's `context.emit`. */
import { isCredential } from '../envelope/credentials.ts'
import { limits } from './limits.ts'

/** Kafka's own rule, so that its log folder stays a legal file name. */
export const topicPattern = new RegExp(`^(?!\\.{1,2}$)[a-zA-Z0-9._-]{1,${limits.topicCharsMax}}$`)

/** Why a header of this name cannot be given to a message; null: it can. */
export function whyReserved(header: string): string | null {
  if (header === '') return 'has no name'
  if (/^millrace-/i.test(header)) return "is one of the engine's own"
  return isCredential(header) ? 'carries credentials, which are not kept with messages' : null
}
