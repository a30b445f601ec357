/** Bad inputs as they stand in `<folder>/cases.jsonl`: a name, the bytes in parts, and the code that they are to end with. */
import { readFileSync } from 'node:fs'

export interface Case {
  readonly name: string
  readonly value: Buffer
  readonly code: string
}

/** A text, bytes, or a text so many times, so that a megabyte of brackets is one line. */
type Part = string | { readonly hex: string } | { readonly repeat: string; readonly times: number }

export function corpusFile(path: string): string {
  return readFileSync(new URL(`../../../test/corpus/${path}`, import.meta.url), 'utf8')
}

export function casesOf(folder: string): Case[] {
  const lines = corpusFile(`${folder}/cases.jsonl`).trim().split('\n')
  return lines.map((line) => {
    const { name, value, code } = JSON.parse(line) as { name: string; value: readonly Part[]; code: string }
    return { name, value: Buffer.concat(value.map(bytesOf)), code }
  })
}

function bytesOf(part: Part): Buffer {
  if (typeof part === 'string') return Buffer.from(part, 'utf8')
  if ('hex' in part) return Buffer.from(part.hex, 'hex')
  return Buffer.from(part.repeat.repeat(part.times), 'utf8')
}
