/** A coordinator's own care for partitions: made ahead, and at once for a row that has none. */
import { EngineError } from '../../base/error.ts'
import type { Batch } from '../../coordinator/ports.ts'
import { publish } from '../../telemetry/channels.ts'
import type { Connections } from '../connect.ts'
import { timeOfCommit, timeOfId } from './families.ts'
import { makeRoom } from './make.ts'

/** Made days ahead: when it does not work now, somebody has that long to see to it. */
export async function makeAhead(db: Connections): Promise<void> {
  try {
    await makeRoom(db)
  } catch (error) {
    if (!(error instanceof EngineError)) throw error
    const message = 'partitions for the days to come were not made; `millrace prune` makes them, too'
    publish('notice', { level: error.retryable ? 'debug' : 'warn', message, cause: error.message })
  }
}

/** Where a row lacks its partition nothing was written: the partition is made, and the same asked again. */
export async function withRoom<T>(db: Connections, batch: Batch, act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (error) {
    if (!(error instanceof EngineError) || error.details.noRoom !== true) throw error
    await makeRoom(db, latestOf(batch))
    return await act()
  }
}

function latestOf({ commitId, transactions, signals }: Batch): number {
  return [...transactions, ...signals].reduce(
    (latest, { id }) => Math.max(latest, timeOfId(id)),
    timeOfCommit(commitId),
  )
}
