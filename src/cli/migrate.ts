/** `millrace migrate`: brings the ledger up to date, or says that it is. */
import { migrationsDir } from '../engine.ts'
import { addressOf } from '../ledger/connect.ts'
import { migrate as bringUpToDate, pendingMigrations } from '../ledger/migrate.ts'
import { databaseUrl } from './addresses.ts'
import { print, printJson } from './print.ts'

export async function migrate({ dryRun, json }: { dryRun?: boolean; json?: boolean }): Promise<void> {
  const url = databaseUrl()
  const act = dryRun ? pendingMigrations : bringUpToDate
  const files = await act(url, migrationsDir())
  if (json) return printJson(dryRun ? { pending: files } : { ran: files })
  const where = `the ledger in Postgres at ${addressOf(url)}`
  if (files.length === 0) return print(`${where} is up to date`)
  print(`${where} ${dryRun ? 'lacks' : 'is up to date now; ran'}:\n${files.map((file) => `  ${file}`).join('\n')}`)
}
