/** The plan that a transaction runs on, of the source that the ledger keeps. */
import { EngineError } from '../base/error.ts'
import type { Story } from '../ledger/read/story.ts'
import { planFromSource } from '../workflow/parse.ts'
import type { Plan } from '../workflow/plan.ts'

/** Null: a newer version of the engine has written it, and knows words that this one does not. */
export function planOf({ source, workflow }: Pick<Story, 'source' | 'workflow'>): Plan | null {
  try {
    return planFromSource(source, `${workflow}, as the ledger has it`)
  } catch (error) {
    if (error instanceof EngineError) return null
    throw error
  }
}
