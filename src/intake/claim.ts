/** A member's claim as bytes, in the user data of its subscription: what every coordinator of a group must read. */
import type { Claim, Held } from './assignment.ts'

/** `[topic, since, partitions]`, so that a thousand partitions are some kilobytes. */
type Row = readonly [topic: string, since: number, partitions: readonly number[]]

export function encodeClaim({ generation, held }: Claim): Buffer {
  const rows = new Map<string, [string, number, number[]]>()
  for (const { topic, partition, since } of held) {
    const key = `${since} ${topic}`
    const row = rows.get(key) ?? [topic, since, []]
    rows.set(key, row)
    row[2].push(partition)
  }
  return Buffer.from(JSON.stringify({ generation, held: [...rows.values()] }))
}

/** Null for what is no claim of ours: another client's data, or that of a version to come. */
export function decodeClaim(userData: Buffer | null): Claim | null {
  if (!userData || userData.length === 0) return null
  try {
    const { generation, held } = JSON.parse(userData.toString()) as { generation: unknown; held: unknown }
    if (!Number.isSafeInteger(generation) || !Array.isArray(held) || !held.every(isRow)) return null
    return { generation: generation as number, held: held.flatMap(heldOf) }
  } catch {
    return null
  }
}

function isRow(row: unknown): row is Row {
  if (!Array.isArray(row)) return false
  const [topic, since, partitions] = row
  return (
    typeof topic === 'string' &&
    Number.isSafeInteger(since) &&
    Array.isArray(partitions) &&
    partitions.every(Number.isSafeInteger)
  )
}

function heldOf([topic, since, partitions]: Row): Held[] {
  return partitions.map((partition) => ({ topic, partition, since }))
}
