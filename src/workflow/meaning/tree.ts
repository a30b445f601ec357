/** What holds of the steps together: ids, how many there are, how deep they are nested. */
import { limits } from '../limits.ts'
import { idPattern } from '../model/fields.ts'
import { finding } from '../problem.ts'
import { labelOf } from '../shape/at.ts'
import { add, addAtKey, type Checking } from './fields.ts'
import type { PlacedStep } from './outline.ts'

export function checkTree(checking: Checking): void {
  const { tooMany, tooDeep } = checking.outline
  if (tooMany) addAtKey(checking, tooMany, many)
  for (const list of tooDeep) addAtKey(checking, [...list.path, 0], deep)
  checkUnique(checking)
}

const apart = 'move some of them into a workflow of their own, and call it'
const most = `at most ${limits.stepsMax} steps, nested ones included`
const many = finding('limit', `the workflow has more than ${limits.stepsMax} steps`, most, apart)
const deepest = `at most ${limits.nestingMax} blocks around a step`
const deep = finding('limit', `steps are nested more than ${limits.nestingMax} deep`, deepest, apart)

function checkUnique(checking: Checking): void {
  const { steps, byId } = checking.outline
  for (const step of steps) {
    const first = step.id === null ? step : byId.get(step.id)
    if (!first || first === step || !idPattern.test(step.id!)) continue
    add(checking, [...step.path, 'id'], {
      code: 'duplicate_step',
      message: `the id "${step.id}" is taken by ${nameOf(first)}`,
      expected: first.list.owner || step.list.owner ? 'an id of its own in the whole file' : 'an id of its own',
      fix: `write ${freeId(step.id!, byId)}`,
    })
  }
}

function nameOf({ list, place, path }: PlacedStep): string {
  return list.owner ? labelOf(path) : `step ${place + 1}`
}

function freeId(id: string, taken: ReadonlyMap<string, unknown>): string {
  let number = 2
  while (taken.has(`${id}_${number}`)) number++
  return `${id}_${number}`
}
