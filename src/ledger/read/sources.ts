/** The sources of workflows that the ledger keeps. */
import type { Connections } from '../connect.ts'

/** Of every version. */
export async function allSources(
  db: Connections,
): Promise<readonly { readonly workflow: string; readonly source: string }[]> {
  return db.query({ text: 'select workflow, source from millrace.versions', values: [] })
}
