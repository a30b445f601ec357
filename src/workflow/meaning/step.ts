// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders of workflow files
/** What one step means: its functions exist, its expressions speak of what it can see, its numbers fit what it holds. */
import { guessDuration } from '../duration.ts'
import { isName } from '../expression/cel.ts'
import { type Names, ownNames } from '../expression/names.ts'
import { defaults } from '../limits.ts'
import { idPattern, parseTime } from '../model/fields.ts'
import type { Path } from '../places.ts'
import { finding } from '../problem.ts'
import { labelOf, valueAt } from '../shape/at.ts'
import {
  add,
  addAtKey,
  type Checking,
  checkExpression,
  checkRetry,
  checkTemplate,
  checkUses,
  isThere,
  textAt,
} from './fields.ts'
import { branchesOf, casesOf, itemNames, type PlacedStep, secretPaths } from './outline.ts'
import { checkPublish } from './publish.ts'
import { namesAfter, namesAt } from './scope.ts'

export function checkStep(checking: Checking, step: PlacedStep): void {
  const names = namesAt(checking.outline, step)
  const { path, kinds } = step
  checkExpression(checking, [...path, 'when'], names, 'bool')
  checkExpression(checking, [...path, 'require'], names, 'bool')
  checkPublish(checking, [...path, 'publish'], namesAfter(checking.outline, step))
  if (kinds.length === 0) checkTemplate(checking, [...path, 'with'], names, 'with')
  for (const kind of kinds) checks[kind](checking, path, names)
}

type Check = (checking: Checking, path: Path, names: Names) => void

const checks: Readonly<Record<PlacedStep['kinds'][number], Check>> = {
  uses: checkInvoke,
  parallel: checkParallel,
  forEach: checkForEach,
  switch: checkSwitch,
  sleep: checkSleep,
  wait: checkWait,
  call: (checking, path, names) => checkTemplate(checking, [...path, 'with'], { ...names, isGiven: true }, 'with'),
}

function checkInvoke(checking: Checking, path: Path, names: Names): void {
  checkUses(checking, [...path, 'uses'])
  checkRetry(checking, [...path, 'retry'])
  checkTemplate(checking, [...path, 'with'], { ...names, isGiven: true }, 'with')
  const compensate = [...path, 'compensate']
  if (!isThere(checking, compensate)) return
  const seen = { ...names, others: [...names.others, 'output'] }
  if (textAt(checking, compensate) !== null) checkUses(checking, compensate)
  else checkCompensate(checking, compensate, seen)
  checkTemplate(checking, [...compensate, 'with'], { ...seen, isGiven: true }, 'compensate.with', {
    output: '${{ output }}',
  })
}

function checkCompensate(checking: Checking, path: Path, names: Names): void {
  checkUses(checking, [...path, 'uses'])
  checkRetry(checking, [...path, 'retry'])
  checkTemplate(checking, [...path, 'net'], names, 'compensate.net')
  if (!isThere(checking, [...path, 'net']) || textAt(checking, [...path, 'postings']) === 'own') return
  const message = 'net is declared, and the postings are reversed'
  addAtKey(checking, [...path, 'net'], finding('wrong_value', message, 'net with postings: own', 'write postings: own'))
}

function checkParallel(checking: Checking, path: Path): void {
  const join = valueAt(checking.file, [...path, 'join'])
  const branches = branchesOf(checking.file, path).length
  if (typeof join !== 'number' || branches === 0 || join <= branches) return
  add(checking, [...path, 'join'], {
    code: 'wrong_value',
    message: `${labelOf([...path, 'join'])} is ${join}, and there are ${branches} branches`,
    expected: `all, each, any or a number from 1 to ${branches}`,
    fix: branches === 1 ? 'write all' : `write all, or a number up to ${branches}`,
  })
}

function checkForEach(checking: Checking, path: Path, names: Names): void {
  checkExpression(checking, [...path, 'forEach'], names, 'list')
  const written = textAt(checking, [...path, 'as'])
  const name = written ?? defaults.item
  if (!idPattern.test(name)) return
  const at = [...path, ...(written === null ? ['forEach'] : ['as'])]
  const taken = itemNames(name).find((each) => names.others.includes(each))
  if (taken) addAtKey(checking, at, itemTaken(taken))
  else if (isOwn(name)) add(checking, at, itemReserved(name))
}

function isOwn(name: string): boolean {
  return (ownNames as readonly string[]).includes(name) || !isName(name)
}

function itemTaken(name: string) {
  const message = `the name "${name}" is taken by the item of a forEach around this one`
  return finding('duplicate_name', message, 'a name of its own', 'name the item of one of them with "as:"')
}

function itemReserved(name: string) {
  const message = `an item cannot be called "${name}", which means something else in expressions`
  return finding('reserved_name', message, 'a name of its own', `write as: ${name}_item`)
}

function checkSwitch(checking: Checking, path: Path, names: Names): void {
  const cases = casesOf(checking.file, path)
  for (const [place, each] of cases.entries()) {
    checkExpression(checking, [...path, 'switch', place, 'when'], names, 'bool')
    const isLast = place === cases.length - 1
    if (isLast || typeof each !== 'object' || each === null || Object.hasOwn(each, 'when')) continue
    addAtKey(checking, [...path, 'switch', place], caseWithout)
  }
}

const caseWithout = finding(
  'missing_field',
  'a case without "when" is taken always, and there are more behind it',
  'only the last case without "when"',
  'add "when:", or move this case to the end',
)

function checkSleep(checking: Checking, path: Path, names: Names): void {
  const at = [...path, 'sleep', 'until']
  const until = textAt(checking, at)
  const bare = until === null ? null : bareTime(until)
  if (bare === null) checkExpression(checking, at, names, 'time')
  else add(checking, at, notCel(until ?? '', bare))
}

function notCel(until: string, meant: string) {
  const message = `sleep.until is "${until}", which is no expression`
  return finding('expression_syntax', message, 'a CEL expression that gives a time', `write ${meant}`)
}

/** What was meant by a time or a duration that stands there as it is. */
function bareTime(text: string): string | null {
  if (parseTime(text) !== null) return `until: timestamp("${text}")`
  const duration = guessDuration(text)
  return duration && `sleep: ${duration}`
}

function checkWait(checking: Checking, path: Path, names: Names): void {
  const wait = [...path, 'wait']
  checkExpression(checking, [...wait, 'key'], names, 'key')
  const secrets = { ...checking.outline.secrets, signal: secretsOfTopic(checking, wait) }
  checkExpression(checking, [...wait, 'match'], { ...names, others: [...names.others, 'signal'], secrets }, 'bool')
  if (!isThere(checking, [...wait, 'onTimeout']) || isThere(checking, [...wait, 'timeout'])) return
  const message = 'onTimeout says what follows a timeout, and there is none'
  const found = finding('missing_field', message, 'a timeout beside it', 'add "timeout:", or remove onTimeout')
  addAtKey(checking, [...wait, 'onTimeout'], found)
}

function secretsOfTopic(checking: Checking, wait: Path) {
  const topic = textAt(checking, [...wait, 'topic'])
  return topic === null ? [] : secretPaths(checking.file, ['signals', topic, 'classify'])
}
