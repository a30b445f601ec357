/** What is said of a step whose output cannot be read from where an expression stands. */
import { didYouMean } from '../nearest.ts'
import { shorten } from '../problem.ts'
import type { ExpressionProblem, Names, Standing } from './names.ts'

export function wrongStep(id: string, offset: number, names: Names): ExpressionProblem | null {
  const standing = names.standing(id)
  if (standing.is === 'settled') return null
  const settled = names.settled()
  const expected = settled.length > 0 ? `the output of a step before it (${listed(settled)})` : names.nothingSettled
  return { offset, expected, ...said(id, standing, settled, names) }
}

function said(
  id: string,
  standing: Standing,
  settled: readonly string[],
  { self }: Names,
): Pick<ExpressionProblem, 'code' | 'message' | 'fix'> {
  switch (standing.is) {
    case 'self':
      return { code: 'later_step', message: `step "${id}" uses its own output`, fix: 'use an earlier one' }
    case 'later': {
      const fix = self === null ? 'use event' : `move step "${id}" before step "${self}"`
      return { code: 'later_step', message: `step "${id}" has not run yet at this point`, fix }
    }
    case 'around':
      return {
        code: 'later_step',
        message: `step "${id}" is around this one and has not ended`,
        fix: 'use an earlier one',
      }
    case 'inside':
      return {
        code: 'later_step',
        message: `step "${id}" is inside of this one and has not run`,
        fix: 'use an earlier one',
      }
    case 'branch': {
      const message = `step "${id}" is in another branch of "${standing.block}", which runs beside this one`
      return { code: 'step_apart', message, fix: `read it after "${standing.block}", or put both into one branch` }
    }
    case 'case': {
      const message = `step "${id}" is in another case of "${standing.block}", and only one case is run`
      return { code: 'step_apart', message, fix: `read it after "${standing.block}": null if its case was not taken` }
    }
    case 'items': {
      const message = `step "${id}" runs once for each item of "${standing.block}"`
      const list = `steps.${standing.block}.output`
      return { code: 'step_apart', message, fix: `write ${list}: of each item, what its last step gave` }
    }
    default: {
      const fix = didYouMean(id, settled, settled.length > 0 ? 'use one of those' : 'use event')
      return { code: 'unknown_step', message: `there is no step "${shorten(id)}"`, fix }
    }
  }
}

export interface Spot {
  /** Null where it is computed. */
  readonly name: string | null
  readonly offset: number
}

export function wrongOutput(step: Spot, field: Spot | undefined): ExpressionProblem | null {
  if (field?.name === 'output') return null
  const name = field?.name ? shorten(field.name) : null
  return {
    offset: (field ?? step).offset,
    code: 'no_output',
    message: name ? `a step has no field "${name}"` : `step "${step.name}" is used as a whole`,
    expected: `steps.${step.name}.output`,
    fix: `write steps.${step.name}.output${name ? `.${name}` : ''}`,
  }
}

function listed(ids: readonly string[]): string {
  return ids.length <= 8 ? ids.join(', ') : `${ids.slice(0, 8).join(', ')}, … (${ids.length})`
}
