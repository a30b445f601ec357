/** What a step is, in a few words. */
import type { Join, Step } from '../../workflow/plan.ts'

export function noteOf(step: Step): string {
  switch (step.kind) {
    case 'invoke':
    case 'undo':
      return step.uses === step.id ? '' : step.uses
    case 'parallel':
    case 'forEach':
      return `${step.kind}${joinOf(step.join)}`
    case 'call':
      return `calls ${step.workflow}`
    default:
      return step.kind
  }
}

function joinOf(join: Join): string {
  if (join === 'all') return ''
  return join === 'each' ? ' (each may fail)' : ` (${join} must end well)`
}
