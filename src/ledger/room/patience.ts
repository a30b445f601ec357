/** Locks that writers wait behind are asked for briefly, and again later. */
import { EngineError } from '../../base/error.ts'

/** Whoever commits waits behind us for no longer than this; then it is their turn for ten times as long. */
const lockMsMax = 100
const pauseMs = 1000
const triesMax = 60

/** These tables are this transaction's alone, or it gives up at once. */
export function shortly(tables: readonly string[], text: string): string {
  return `
set local lock_timeout = '${lockMsMax}ms';
lock table ${tables.map((table) => `millrace_data.${table}`).join(', ')} in access exclusive mode;
${text}`
}

export async function patiently<T>(act: () => Promise<T>, code: 'ledger_outage' | 'ledger_conflict'): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await act()
    } catch (error) {
      if (!(error instanceof EngineError) || !isBusy(error, code)) throw error
      if (tries === triesMax) throw busy(error)
    }
    await new Promise((resolve) => setTimeout(resolve, pauseMs))
  }
}

/** A lock that was not to be had; or a conflict, after which all is to be looked at again. */
function isBusy({ code, details }: EngineError, wanted: string): boolean {
  return code === wanted && (code === 'ledger_conflict' || details.sqlState === '55P03')
}

function busy(cause: EngineError): EngineError {
  const message = `a partition could not be taken out within ${(triesMax * (pauseMs + lockMsMax)) / 1000} s: somebody reads the ledger all the time (a report, a backup, \`millrace verify\`)`
  return new EngineError('prune_busy', `${message}; what is left of it stays: run it again`, { cause })
}
