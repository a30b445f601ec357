/** What surrounds an expression in its file, and a finding inside of one. */
import type { Finding } from '../problem.ts'

/** The steps that an expression may speak of, as seen from where it stands. */
export interface Names {
  /** Ids of the steps that have ended when it is evaluated. */
  readonly settled: readonly string[]
  /** Ids of all the others. */
  readonly later: readonly string[]
  /** The step it belongs to, or null. */
  readonly self: string | null
  /** What may be used instead while `settled` is empty. */
  readonly nothingSettled: string
  /** It sees why its transaction failed. */
  readonly error?: boolean
  /** What it gives is published, and kept until then: credentials are not for that. */
  readonly published?: boolean
}

export interface ExpressionProblem extends Finding {
  /** In UTF-16 units, into the expression. */
  readonly offset: number
}
