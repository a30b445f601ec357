/** What waits in a lane's inbox to be folded, and what may still be when what it follows from was not written. */
import type { TransactionEvent } from '../transaction/event.ts'
import type { Entry } from './entry.ts'
import type { Command } from './ports.ts'

/** Something for one of its transactions, or of an operator. */
export type Inbound = InboundEvent | { readonly id: null; readonly command: Command }

export interface InboundEvent {
  readonly id: string
  readonly event: TransactionEvent
  readonly command: Command | null
  /** What asked ahead of its commit for the attempt that ended: should that not be written, the attempt never was. */
  readonly after: Entry | null
}

/** Of one that is not to be, only its turn, which may be that of another commit. */
export function mayStill({ event, after }: InboundEvent, holds: boolean): boolean {
  return event.type === 'Started' || (holds && after?.fate !== 'undone')
}

/** What is to be folded again of what does not hold. */
export function inboundOf({ source }: Entry): Inbound | null {
  if (source.kind !== 'event') return null
  const { before, event, command, after } = source
  const inbound: Inbound = command === null ? { id: before.id, event, command, after } : { id: null, command }
  return isHeard(inbound) ? inbound : null
}

/** What it comes of was written, or may be. */
export function isHeard(inbound: Inbound): boolean {
  return inbound.id === null || inbound.after?.fate !== 'undone'
}

/** Its turn, or the end of a rest, came maybe before something of it was due. */
export function wasWoken({ type }: TransactionEvent): boolean {
  return type === 'Started' || type === 'TimerDue'
}

/** What a parent or a child says: the one it is for may rest, or have ended. */
export function isForAnyone({ type }: TransactionEvent): boolean {
  return type === 'UndoAsked' || type === 'CancelAsked' || type === 'ChildEnded'
}
