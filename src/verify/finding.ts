/** One thing that is wrong: where it stands, what was expected there, what is there, and what to look at. */
export interface Finding {
  readonly check: string
  readonly kind: string
  readonly topic: string | null
  readonly partition: number | null
  readonly offset: number | null
  readonly workflow: string | null
  /** Id of the transaction, dead letter, message, command or commit it is about. */
  readonly id: string | null
  readonly expected: string
  readonly found: string
  /** What to look at. */
  readonly look: string
}

/** All that one check has to say. */
export interface Judgement {
  readonly check: string
  /** What it holds, in a sentence. */
  readonly holds: string
  readonly wrong: number
  readonly kinds: Readonly<Record<string, number>>
  /** The first of each kind, in the order in which they are to be looked at. */
  readonly findings: readonly Finding[]
  readonly tookMs: number
}

/** "orders/3 at offset 17, workflow sale, 01970000-…" */
export function placeOf({ topic, partition, offset, workflow, id }: Finding): string {
  const parts = [
    topic === null ? null : `${topic}${partition === null ? '' : `/${partition}`}`,
    offset === null ? null : `offset ${offset}`,
    workflow === null ? null : `workflow ${workflow}`,
    id,
  ]
  return parts.filter((part) => part !== null).join(', ')
}

/** What one check said of several parts of the ledger, in their order. */
export function merged(parts: readonly Judgement[]): Judgement {
  const [first, ...more] = parts
  if (!first) throw new TypeError('a check that was never asked says nothing')
  return more.reduce(both, first)
}

function both(a: Judgement, b: Judgement): Judgement {
  const kinds = { ...a.kinds }
  for (const [kind, count] of Object.entries(b.kinds)) kinds[kind] = (kinds[kind] ?? 0) + count
  const news = b.findings.filter(({ kind }) => !(kind in a.kinds))
  return {
    ...a,
    wrong: a.wrong + b.wrong,
    kinds,
    findings: [...a.findings, ...news],
    tookMs: a.tookMs + b.tookMs,
  }
}
