/**
 * What a test file has made goes when the file is done, the last first. Not by `after` where it is made: Node 20 gives
 * that to the test in which an awaited promise was made, and never runs it when that test is over already.
 */
import { after } from 'node:test'

type Act = () => unknown

const acts: Act[] = []

export function atEnd(act: Act): void {
  acts.push(act)
}

after(async () => {
  const failures: unknown[] = []
  for (const act of acts.reverse()) {
    try {
      await act()
    } catch (error) {
      failures.push(error)
    }
  }
  if (failures.length > 0) throw new AggregateError(failures, 'not everything went that the tests had made')
})
