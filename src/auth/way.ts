/** One way to authenticate: every family is a small module that makes one of these from what a workflow file says. */
import type { Auth, Principal } from '../envelope/auth.ts'
import type { AuthRequest } from './request.ts'

export interface Way {
  /** The id that the workflow file gives it, or its family's name. */
  readonly id: string
  /**
   * Null: the event shows no such credential, or a wrong one; a synchronous answer where nothing need be waited for. Throws
   * (rejects with) a retryable `EngineError` while whoever it must ask is away: an outage, not a refusal.
   */
  authenticate(request: AuthRequest): Principal | null | Promise<Principal | null>
}

/** All ways of one workflow. */
export interface Gate {
  /** Rejects, or throws, `EngineError` `unauthenticated` when nobody was found out; retryable ones as above. */
  authenticate(request: AuthRequest): Auth | Promise<Auth>
}
