/**
 * What the functions of these cases do outside of the engine: lines of a file, each under the idempotency key of the step that
 * did it, so that who reads it can tell what was done, done again, and undone.
 */
import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
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

/** Waits until this of the same transaction has been called: what comes first is then no matter of luck. */
export async function untilCalled(context: Context, what: string | undefined): Promise<void> {
  if (what === undefined) return
  const isIt = (line: Line) => line.transaction === context.transactionId && line.what === what
  while (!lines().some(isIt)) await sleep(20)
}

/** An operator has mended this of the case, by its name. */
export function isMended(context: Context, name: string): boolean {
  const [caseName] = context.workflow.split('--')
  return existsSync(join(folder(), `mended.${caseName}.${name}`))
}

export async function untilMended(context: Context, name: string | undefined): Promise<void> {
  while (name !== undefined && !isMended(context, name)) await sleep(20)
}

function write(context: Context, verb: Line['verb'], what: string, key: string): void {
  const line: Line = { transaction: context.transactionId, what, verb, key }
  appendFileSync(book(), `${JSON.stringify(line)}\n`)
}

function lines(): Line[] {
  if (!existsSync(book())) return []
  const texts = readFileSync(book(), 'utf8').split('\n').filter(Boolean)
  return texts.map((text) => JSON.parse(text) as Line)
}

function book(): string {
  return join(folder(), 'book.jsonl')
}

function folder(): string {
  return process.env.BOOK as string
}
