/** Until when a step sleeps, or for what it waits and until when. */
import type { StepPlace } from '../../ledger/read/parts.ts'
import type { Story } from '../../ledger/read/story.ts'
import { oneLine } from '../table.ts'
import { shortTime } from '../times.ts'

/** Empty: it does neither. */
export function restOf({ waits }: Story, { step, item }: StepPlace): string {
  const rest = waits.find((each) => each.step === step && each.item === item)
  if (!rest) return ''
  const { topic, key, due_at } = rest
  const until = due_at === null ? '' : ` until ${shortTime(due_at)} UTC`
  return topic === null ? `sleeps${until || ' for ever'}` : `waits for ${oneLine(key ?? '')} of ${topic}${until}`
}
