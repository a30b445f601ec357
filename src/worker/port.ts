/** What goes to worker processes and what comes back, in the coordinator's words. */
export type { Invocation, InvocationResult } from '../coordinator/ports.ts'
export type { AttemptOutcome, Emitted, Posted } from '../transaction/attempt.ts'
