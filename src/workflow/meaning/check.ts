/**
 * What a file means, beyond its shape: ids that are there once, functions that exist, expressions that speak of what
 * there is. It looks at the raw values, so that it finds what it can in a file whose shape is wrong elsewhere.
 */
import type { FormatSpec } from '../../envelope/format.ts'
import type { ValueSchema } from '../../envelope/schema.ts'
import type { Beside } from '../enclosed.ts'
import { limits } from '../limits.ts'
import type { Expression, Template } from '../plan.ts'
import { finding } from '../problem.ts'
import type { FieldFinding } from '../shape/at.ts'
import { checkAuth } from './auth.ts'
import { checkClassify } from './classify.ts'
import { addAtKey, type Checking, checkExpression, isThere } from './fields.ts'
import { checkFormat, checkSchema } from './format.ts'
import { checkHttp } from './http.ts'
import { type Outline, outlineOf } from './outline.ts'
import { checkPublish } from './publish.ts'
import { namesAtEnd, namesBefore } from './scope.ts'
import { checkSignals } from './signals.ts'
import { checkStep } from './step.ts'
import { checkTree } from './tree.ts'

export interface Meaning {
  readonly findings: readonly FieldFinding[]
  readonly outline: Outline
  /** By the path of the field, as `labelOf` writes it. */
  readonly expressions: ReadonlyMap<string, Expression>
  readonly templates: ReadonlyMap<string, Template>
  readonly formats: ReadonlyMap<string, FormatSpec>
  readonly schemas: ReadonlyMap<string, ValueSchema>
  /** Files beside it that it names: path -> text. */
  readonly enclosed: ReadonlyMap<string, string>
}

/** `functions`: the names that exist, or null where that is not to be checked. */
export function checkMeaning(file: unknown, functions: ReadonlySet<string> | null, beside: Beside): Meaning {
  const outline = outlineOf(file, functions !== null)
  const checking: Checking = {
    ...{ file, outline, functions, beside, findings: [], enclosed: new Map() },
    ...{ expressions: new Map(), templates: new Map(), formats: new Map(), schemas: new Map() },
  }
  for (const trigger of ['kafka', 'http']) {
    checkFormat(checking, ['on', trigger, 'format'])
    checkSchema(checking, ['on', trigger, 'schema'])
  }
  checkStart(checking)
  checkAuth(checking)
  checkEndings(checking)
  checkTree(checking)
  checkClassify(checking)
  checkSignals(checking)
  checkHttp(checking)
  for (const step of outline.steps) {
    if (checking.findings.length > enough) break
    checkStep(checking, step)
  }
  return checking
}

/** Findings beyond those shown cost time and tell nobody anything. */
const enough = 2 * limits.problemsMax

function checkStart(checking: Checking): void {
  const names = namesBefore(checking.outline, 'no step has run when the key is computed')
  checkExpression(checking, ['key'], names, 'key')
  checkExpression(checking, ['deduplicate', 'by'], names, 'key')
  if (isThere(checking, ['on'])) return
  for (const field of ['key', 'order', 'deduplicate', 'startWithin']) {
    if (!isThere(checking, [field])) continue
    const message = `"${field}" is of no use without "on"`
    addAtKey(checking, [field], finding('missing_field', message, 'what starts the workflow', 'add "on:" or remove it'))
  }
}

function checkEndings(checking: Checking): void {
  const names = namesAtEnd(checking.outline)
  checkPublish(checking, ['publish', 'completed'], names)
  checkPublish(checking, ['publish', 'failed'], { ...names, error: true })
}
