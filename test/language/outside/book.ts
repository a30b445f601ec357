/**
 * What the functions of these cases do outside of the engine: lines of a file, each under the idempotency key of the step that
 * did it, so that who reads it can tell what was done, done again, and undone.
 */
import { appendFileSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Context } from 'millrace'

export interface Line {
  readonly transaction: string
  readonly what: string
  readonly verb: 'called' | 'done' | 'undone'
  /** Of the step that does it, or did it. */
  readonly key: string
}

/** It was called: said before it does anything. */
export function called(context: Context, what?: string): void {
  write(context, 'called', what ?? context.step, context.idempotencyKey)
}

export function done(context: Context, what?: string): void {
  write(context, 'done', what ?? context.step, context.idempotencyKey)
}

/** Whatever was done under the step's key, or may still be. */
export function undone(context: Context): void {
  write(context, 'undone', context.step, context.forwardKey ?? 'no key')
}

/** An operator has mended this of the case, by its name. */
export function isMended(context: Context, name: string): boolean {
  const [caseName] = context.workflow.split('--')
  return existsSync(join(folder(), `mended.${caseName}.${name}`))
}

function write(context: Context, verb: Line['verb'], what: string, key: string): void {
  const line: Line = { transaction: context.transactionId, what, verb, key }
  appendFileSync(join(folder(), 'book.jsonl'), `${JSON.stringify(line)}\n`)
}

function folder(): string {
  return process.env.BOOK as string
}
