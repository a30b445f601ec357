/**
 * What the ledger must hold after a case, written briefly: `pay: ok` stands for a step that ended well with its first attempt.
 * Whatever is not written there must not be; only outputs and orders that are not written are not compared.
 */
import { z } from 'zod'

export type Expected = z.infer<typeof expectedModel>
export type ExpectedTransaction = Expected['transactions'][string]
export type Step = z.infer<typeof stepModel>

/** `ok`, `skipped`, `waiting` …; `failed CODE`: with its first attempt; `compensated`; a list: every attempt. */
const stepModel = z.strictObject({
  state: z.string(),
  attempts: z.array(z.string()),
  undo: z.array(z.string()).optional(),
  output: z.json().optional(),
  /** What the last attempt of its compensation gave. */
  given: z.json().optional(),
})

const briefStep = z
  .union([
    z.string(),
    z.array(z.string()),
    z.strictObject({
      is: z.string().optional(),
      attempts: z.array(z.string()).optional(),
      undo: z.array(z.string()).optional(),
      output: z.json().optional(),
      given: z.json().optional(),
    }),
  ])
  .transform(stepOf)

const transactionModel = z.strictObject({
  state: z.string(),
  /** The code. */
  error: z.string().nullable().default(null),
  /** By name and item: `bill`, `bill[3]`. */
  steps: z.record(z.string(), briefStep).default({}),
  /** Functions that ended well, in the order in which they did, with commas between: `pay, undo of pay`. */
  order: z
    .string()
    .transform((text) => text.split(', '))
    .optional(),
  /** In any order. */
  postings: z
    .array(z.string())
    .default([])
    .transform((lines) => lines.toSorted()),
  messages: z.array(z.json()).default([]),
  owed: z.array(z.string()).default([]),
  /** How rounds before the last ended, and from where the next began: `failed broken, from pay`. */
  rounds: z.array(z.string()).default([]),
})

const expectedModel = z.strictObject({
  /** By the id of its event, and behind it the steps that called it. */
  transactions: z.record(z.string(), transactionModel),
  /** By what it is: `[done]`, `[done, undone]`; `[undone]`: what was never done is void. */
  outside: z.record(z.string(), z.array(z.string())).default({}),
  /** `shop:1: -100 EUR`, of what the case has posted. */
  accounts: z.record(z.string(), z.string()).default({}),
  /** Kept events by id, and who took them. */
  signals: z.record(z.string(), z.array(z.string())).default({}),
  /** Dead letters: id of the event, and the code. */
  letters: z.array(z.string()).default([]),
  /** The order in which transactions ended. */
  ended: z
    .string()
    .transform((text) => text.split(', '))
    .optional(),
})

export function expectedOf(file: unknown): Expected {
  return expectedModel.parse(file)
}

type BriefStep =
  | string
  | string[]
  | { is?: string; attempts?: string[]; undo?: string[]; output?: z.core.util.JSONType }

function stepOf(brief: BriefStep): Step {
  if (typeof brief === 'string') return wordOf(brief)
  if (Array.isArray(brief)) return { state: stateAfter(brief), attempts: brief }
  const { is, attempts, undo, ...values } = brief
  const base = is !== undefined ? wordOf(is) : attempts ? { state: stateAfter(attempts), attempts } : wordOf('ok')
  const { undo: without, ...rest } = base
  const undone = undo ?? without ?? []
  return { ...rest, ...(attempts && { attempts }), ...(undone.length > 0 && { undo: undone }), ...values }
}

function wordOf(word: string): Step {
  const [state = '', ...code] = word.split(' ')
  if (state === 'ok') return { state, attempts: ['ok'] }
  if (state === 'compensated') return { state, attempts: ['ok'], undo: ['ok'] }
  if (state === 'failed') return { state, attempts: [['fail', ...code].join(' ')] }
  return { state, attempts: [] }
}

function stateAfter(attempts: readonly string[]): string {
  return /^(ok|resolved ok)\b/.test(attempts.at(-1) ?? '') ? 'ok' : 'failed'
}
