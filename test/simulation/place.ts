/** Which step of its transaction an invocation is for: the seed of its key says so. */
import type { Invocation } from '../../src/coordinator/ports.ts'
import type { Plan, Step } from '../../src/workflow/plan.ts'

export interface Place {
  readonly id: string
  readonly item: string
  readonly isUndo: boolean
}

export function placeOf({ idempotencySeed }: Pick<Invocation, 'idempotencySeed'>): Place {
  const [path = '', direction] = idempotencySeed.split('/').slice(-3)
  const [id = '', item = ''] = path.split(/[[\]]/)
  return { id, item, isUndo: direction === 'undo' }
}

/** As people read it, and as names in maps. */
export function nameOfPlace({ id, item, isUndo }: Place): string {
  return `${isUndo ? 'undo of ' : ''}${id}${item === '' ? '' : `[${item}]`}`
}

export function stepAt({ steps }: Plan, { id, isUndo }: Place): Step | undefined {
  return steps.find((step) => step.id === id && (step.kind === 'undo') === isUndo)
}

export function placeOfRow(plan: Plan, { step: no, item }: { readonly step: number; readonly item: string }): Place {
  const step = plan.steps[no] as Step
  return { id: step.id, item, isUndo: step.kind === 'undo' }
}
