/** Several things that take time to find out about a record, found out beside each other. */
import type { Preparer } from './coordinator/ports.ts'
import type { RawRecord } from './envelope/record.ts'
import type { Plan } from './workflow/plan.ts'

export function preparersOf(...preparers: readonly Preparer[]): Preparer {
  /** Each is asked: some begin to find out when they are. */
  const unready = (record: RawRecord, plans: readonly Plan[], topic: string) =>
    preparers.filter((each) => !each.isReady(record, plans, topic))
  return {
    isReady: (record, plans, topic) => unready(record, plans, topic).length === 0,
    async prepare(record, plans, topic, signal) {
      await Promise.all(unready(record, plans, topic).map((each) => each.prepare(record, plans, topic, signal)))
    },
  }
}
