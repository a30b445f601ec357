/** What surrounds an expression in its file, and a finding inside of one. */
import type { SecretPath } from '../../envelope/secret-path.ts'
import type { Finding } from '../problem.ts'

/** What an expression may speak of, as seen from where it stands. */
export interface Names {
  /** How the step of this id stands to it. */
  standing(id: string): Standing
  /** Ids of the steps it may read, in the order of the file: for what is said of a mistake. */
  settled(): readonly string[]
  /** The step it belongs to, or null. */
  readonly self: string | null
  /** What may be used instead while nothing is settled. */
  readonly nothingSettled: string
  /** Further names: items of `forEach` and their places, `output`, `signal`. */
  readonly others: readonly string[]
  /** It sees why its transaction failed. */
  readonly error?: boolean
  /** Whether events are authenticated; `nobody`: then there is no `event.auth` to read. `unchecked`: it is not asked. */
  readonly auth: 'somebody' | 'nobody' | 'unchecked'
  /** What is secret: named here, it is refused. */
  readonly secrets?: Secrets
  /** What it gives goes to a function, so it may name secret fields of the event. */
  readonly isGiven?: boolean
}

/** Places of secret fields. */
export interface Secrets {
  readonly event: readonly SecretPath[]
  /** Of what a `wait` may take; in what a step of this id has taken. */
  readonly signal?: readonly SecretPath[]
  taken(id: string): readonly SecretPath[]
}

/** `settled`: it may be read. `around`: it holds the place; `inside`: the other way round. The last three stand apart. */
export type Standing =
  | { readonly is: 'settled' | 'self' | 'later' | 'around' | 'inside' | 'unknown' }
  | { readonly is: 'branch' | 'case' | 'items'; readonly block: string }

/** Names that are there of themselves, at some place or other: no item may have them. */
export const ownNames = ['event', 'steps', 'error', 'output', 'signal'] as const

export interface ExpressionProblem extends Finding {
  /** In UTF-16 units, into the expression. */
  readonly offset: number
}
