/** A key of 32 hex digits from a text. Apart, for worker processes make theirs only when a function asks for it. */
import type * as crypto from 'node:crypto'

/** Loaded at the first call: a process that makes no key starts without it. */
export function keyOfSeed(seed: string): string {
  const { hash }: typeof crypto = process.getBuiltinModule('node:crypto')
  return hash('sha256', seed).slice(0, 32)
}
