/**
 * Where a partition is read. kafkajs may still deliver what it fetched before a seek; a batch counts only if it was
 * fetched from our position or before it, so that an offset missing in it is truly missing in Kafka.
 */
export interface FetchedRange {
  /** The offset the fetch asked for. */
  readonly fetchedFrom: number
  /** The last offset the batch covers, records or not. */
  readonly lastOffset: number
}

export type Judgement =
  /** Take its records. */
  | 'take'
  /** Fetched from further on: something may lie between. Seek back. */
  | 'ahead'
  /** All of it was read before. */
  | 'behind'

export function judge(position: number, range: FetchedRange): Judgement {
  if (range.fetchedFrom > position) return 'ahead'
  return range.lastOffset < position ? 'behind' : 'take'
}
