/** What a file says of the HTTP door: the step that an answer waits for, and what the answer is made of. */
import type { Names } from '../expression/names.ts'
import { didYouMean } from '../nearest.ts'
import { finding, shorten } from '../problem.ts'
import { ownPaths, pathNames } from '../route.ts'
import { add, type Checking, checkTemplate, isThere, textAt } from './fields.ts'
import type { PlacedStep } from './outline.ts'
import { namesAfter, namesAtEnd } from './scope.ts'

const respond = ['on', 'http', 'respond'] as const

export function checkHttp(checking: Checking): void {
  checkPath(checking)
  const { outline } = checking
  const names = namesOfAnswer(checking)
  if (isThere(checking, [...respond, 'with'])) checkTemplate(checking, [...respond, 'with'], names, 'with')
  const failed = [...respond, 'failed', 'with']
  if (isThere(checking, failed)) checkTemplate(checking, failed, { ...namesAtEnd(outline), error: true }, 'with')
}

function checkPath(checking: Checking): void {
  const path = textAt(checking, ['on', 'http', 'path'])
  if (path !== null && isOwn(path)) {
    const message = `${shorten(path)} is the door's own`
    add(checking, ['on', 'http', 'path'], finding('reserved_path', message, 'another path', 'rename it'))
  }
  const names = path === null ? [] : pathNames(path)
  const twice = names.find((name, place) => names.indexOf(name) !== place)
  if (twice === undefined) return
  const message = `{${shorten(twice)}} is in the path twice`
  add(checking, ['on', 'http', 'path'], finding('wrong_value', message, 'each name once', 'rename one of them'))
}

function isOwn(path: string): boolean {
  return ownPaths.some((own) => path === own || path.startsWith(`${own}/`))
}

/** What is answered after a step sees what the step's own messages see. */
function namesOfAnswer(checking: Checking): Names {
  const { outline } = checking
  const after = textAt(checking, [...respond, 'after'])
  if (after === null) return namesAtEnd(outline)
  const step = outline.byId.get(after)
  if (step && !isInForEach(step)) return namesAfter(outline, step)
  const ids = [...outline.byId.values()].flatMap((each) => (isInForEach(each) ? [] : (each.id ?? [])))
  const message = step ? `step "${after}" is inside of a forEach` : `there is no step "${shorten(after)}"`
  const fix = didYouMean(after, ids, step ? 'name the forEach' : 'name a step of this file')
  const code = step ? 'wrong_value' : 'unknown_step'
  add(checking, [...respond, 'after'], finding(code, message, 'the id of a step outside of any forEach', fix))
  return namesAtEnd(outline)
}

function isInForEach(step: PlacedStep): boolean {
  for (let owner = step.list.owner; owner; owner = owner.list.owner) if (owner.kinds.includes('forEach')) return true
  return false
}
