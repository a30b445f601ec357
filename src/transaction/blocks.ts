/** Steps that hold other steps: `parallel`, `forEach`, `switch`. Each leaves one row, when it has ended. */
import { EngineError } from '../base/error.ts'
import { isStorable, type Json, stringifyJson } from '../envelope/json.ts'
import { limits } from '../workflow/limits.ts'
import type { Branch, ForEachStep, ParallelStep, Step, SwitchStep } from '../workflow/plan.ts'
import type { Draft, Frame, Place } from './draft.ts'
import type { AttemptRow, RecordMessage } from './effect.ts'
import { itemsOf, itemsWith, openOf } from './items.ts'
import { type Children, type Failed, joined, type Went } from './join.ts'
import { messagesOfStep } from './publish.ts'
import { emptyRow, settled } from './rows.ts'
import { stopList } from './stop.ts'
import { type Items, outputOf, type StepError, type StepProgress } from './transaction.ts'
import { failStep, isTrue, walkList, wentFailed } from './walk.ts'

export function walkParallel(draft: Draft, place: Place<ParallelStep>): Went {
  const { step, frame } = place
  enter(place)
  const went = joined(branchesOf(draft, place), step.join, step.others)
  return endBlock(draft, place, went, () =>
    Object.fromEntries(step.branches.map(({ id, steps }) => [id, lastOutput(steps, frame)])),
  )
}

/** They are few: what they have come to is looked at anew each time. All begin at once. */
export function branchesOf(draft: Draft, { step: { branches }, frame }: Place<ParallelStep>): Children {
  const places = [...branches.keys()]
  const stepsOf = (at: number) => (branches[at] as Branch).steps
  const wentOf = (at: number) => look(stepsOf(at), frame)
  const ended = () => places.filter((at) => wentOf(at) !== 'held')
  return {
    count: branches.length,
    atOnce: branches.length,
    isFresh: draft.isFresh,
    tally: () => {
      const went = places.map(wentOf)
      const [ok, open] = [
        went.filter((each) => each === 'settled').length,
        went.filter((each) => each === 'held').length,
      ]
      return { ok, open, failed: went.length - ok - open }
    },
    open: () => places.filter((at) => wentOf(at) === 'held'),
    next: () => branches.length,
    errors: () => places.map(wentOf).filter((went) => typeof went === 'object'),
    ends: () => ended().map((at) => ({ seq: endSeq(stepsOf(at), frame), isOk: wentOf(at) === 'settled' })),
    walk: (at) => walkList(draft, stepsOf(at), frame),
    stop: (at) => stopList(draft, stepsOf(at), frame),
  }
}

export function walkForEach(draft: Draft, place: Place<ForEachStep>): Went {
  const { step, frame } = place
  if (frame.get(step.no).state === 'pending') enterItems(place)
  const went = joined(itemsFor(draft, place), step.join, step.others)
  const items = () => itemsOf(frame.get(step.no))
  return endBlock(draft, place, went, () =>
    items().map((item, at) => (item.went === 'settled' ? lastOutput(step.steps, frame.into(step, at)) : null)),
  )
}

/** Of its items, which were entered. */
export function itemsFor(draft: Draft, { step, frame }: Place<ForEachStep>): Children {
  if (draft.isFresh) lookAtItems({ step, frame })
  const inside = () => frame.get(step.no).inside as Items
  return {
    count: inside().items.length,
    atOnce: step.atOnce,
    isFresh: draft.isFresh,
    tally: () => ({ ok: inside().ok, failed: inside().failed, open: inside().open.length }),
    open: () => inside().open,
    next: () => inside().next,
    errors: () => inside().items.flatMap(({ went }) => (typeof went === 'object' ? [went] : [])),
    ends: () =>
      inside().items.flatMap(({ went }, at) =>
        went === 'new' || went === 'open'
          ? []
          : [{ seq: endSeq(step.steps, frame.into(step, at)), isOk: went === 'settled' }],
      ),
    walk: (at) => {
      const went = walkList(draft, step.steps, frame.into(step, at))
      frame.went(step, at, went === 'held' ? 'open' : went)
      return went
    },
    stop: (at) => {
      const rests = stopList(draft, step.steps, frame.into(step, at))
      if (rests) frame.went(step, at, notNeeded)
      return rests
    },
  }
}

export function walkSwitch(draft: Draft, place: Place<SwitchStep>): Went {
  const { frame } = place
  const steps = takenCase(place)?.steps ?? []
  const went = walkList(draft, steps, frame)
  return endBlock(draft, place, went === 'settled' ? 'ok' : went, () => lastOutput(steps, frame))
}

function enter({ step, frame }: Place): void {
  const progress = frame.get(step.no)
  if (progress.state === 'pending') frame.set(step.no, { ...progress, state: 'running' })
}

export function enterItems({ step, frame }: Place<ForEachStep>): void {
  const progress = frame.get(step.no)
  const inside = itemsWith(listOf(step, frame), itemsOf(progress))
  frame.set(step.no, { ...progress, state: 'running', inside })
}

/** Of those that were read back nobody knows yet what they have come to. */
function lookAtItems({ step, frame }: Place<ForEachStep>): void {
  for (const at of openOf(frame.get(step.no))) {
    const went = look(step.steps, frame.into(step, at))
    if (went !== 'held') frame.went(step, at, went)
  }
}

function listOf(step: ForEachStep, frame: Frame): readonly Json[] {
  const list = step.in.evaluate(frame.scope())
  if (!Array.isArray(list)) throw new EngineError('not_a_list', `forEach: gave ${kindOf(list)}, expected a list`)
  if (list.length <= limits.itemsMax) return list
  throw new EngineError('too_many_items', `forEach: the list has ${list.length} items, ${limits.itemsMax} are allowed`)
}

function kindOf(value: Json): string {
  return value === null ? 'null' : typeof value === 'object' ? 'a map' : `a ${typeof value}`
}

export function takenCase({ step, frame }: Place<SwitchStep>): SwitchStep['cases'][number] | undefined {
  const progress = frame.get(step.no)
  if (progress.inside?.kind === 'choice') return step.cases[progress.inside.taken]
  const taken = step.cases.findIndex(({ when }) => when === null || isTrue(when.evaluate(frame.scope())))
  frame.set(step.no, { ...progress, state: 'running', inside: { kind: 'choice', taken } })
  return step.cases[taken]
}

/** What a list has come to, without beginning anything of it. */
function look(steps: readonly Step[], frame: Frame): Went {
  for (let at = 0; at < steps.length; at++) {
    const step = steps[at] as Step
    const { state } = frame.get(step.no)
    if (state === 'ok' || state === 'skipped') continue
    const went = state === 'failed' ? wentFailed({ step, frame }) : 'held'
    if (went !== 'settled') return went
  }
  return 'settled'
}

function endSeq(steps: readonly Step[], frame: Frame): number {
  return steps.reduce((last, { no }) => Math.max(last, frame.get(no).seq), 0)
}

const notNeeded: Failed = Object.freeze({
  code: 'cancelled',
  message: 'it was not needed any more',
  seq: Number.POSITIVE_INFINITY,
})

/** Null when it did not end well, or is not there. */
export function lastOutput(steps: readonly Step[], frame: Frame): Json {
  const last = steps.at(-1)
  if (last === undefined) return null
  const { state, output } = frame.get(last.no)
  return state === 'ok' ? output.output : null
}

function endBlock(draft: Draft, place: Place, went: 'held' | 'ok' | StepError, output: () => Json): Went {
  if (went === 'held') return 'held'
  if (went !== 'ok') return failStep(draft, place, went)
  const text = stringifyJson(output())
  if (text.length > limits.blockOutputCharsMax) throw tooLarge(text.length)
  if (!isStorable(text)) throw new EngineError('output_unstorable', 'what it gives holds a NUL or half a character')
  endStep(draft, place, text)
  return 'settled'
}

/** It has ended well, without a worker's part in it. Throws `EngineError` when what it publishes cannot be made. */
export function endStep(draft: Draft, place: Place, output: string | null, stamps: Stamps = {}): void {
  const { step, frame } = place
  const progress = frame.get(step.no)
  const attempts = progress.attempts + 1
  const row = { ...emptyRow(draft, place, { attempt: attempts, outcome: 'ok', stepState: 'ok' }), output, ...stamps }
  const after = { ...progress, state: 'ok', attempts, output: outputOf(output) } as const
  const messages = step.publish.length === 0 ? none : messagesWith(draft, place, after)
  settled(draft, place, after, row)
  draft.effects.push(...messages)
}

const none: readonly never[] = Object.freeze([])

/** What it publishes sees its own output. Throws `EngineError`, with which it fails. */
function messagesWith({ transaction }: Draft, place: Place, after: StepProgress): readonly RecordMessage[] {
  const { step, frame } = place
  const before = frame.get(step.no)
  frame.set(step.no, after)
  try {
    return messagesOfStep(transaction, place, none)
  } finally {
    frame.set(step.no, before)
  }
}

type Stamps = Partial<Pick<AttemptRow, 'eligibleUs' | 'receivedUs'>>

/** What a transaction gives to whoever called it: what its last step gave. */
export function outputAtEnd(draft: Draft): string {
  return stringifyJson(lastOutput(draft.transaction.plan.body, draft.root))
}

function tooLarge(chars: number): EngineError {
  return new EngineError('output_too_large', `it gives ${chars} characters, ${limits.blockOutputCharsMax} are allowed`)
}
