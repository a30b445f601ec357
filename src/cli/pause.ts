/** `millrace pause` and `millrace resume`: nothing of a workflow, or of one of its keys, starts or wakes for a while. */
import { EngineError } from '../base/error.ts'
import { loadConfig } from '../config.ts'
import type { Connections } from '../ledger/connect.ts'
import * as ledger from '../ledger/pause.ts'
import { openPauses, type PauseRead, workflowNames } from '../ledger/read/pauses.ts'
import { didYouMean } from '../workflow/nearest.ts'
import { awaitHeard, holding } from './holding.ts'
import { print, printJson } from './print.ts'
import { query } from './query.ts'
import { shellWord } from './shell-word.ts'
import { oneLine } from './table.ts'
import { whoAsks } from './who.ts'
import { whoPaused } from './who-paused.ts'

export interface PauseOptions {
  readonly key?: string
  readonly engine?: string
  readonly why?: string
  readonly by?: string
  readonly json?: boolean
  /** False: it does not wait until coordinators hold to it. */
  readonly wait?: boolean
}

export async function pause(workflow: string, options: PauseOptions): Promise<void> {
  const wish = wishOf(workflow, options)
  const { state, holders } = await query(async (db) => {
    await checkName(db, workflow)
    const state = await ledger.pause(db, wish, byOf(options))
    return { state, holders: options.wait === false ? null : await awaitHeard(db, wish.engine) }
  })
  const { is_old, ...made } = state
  const paused = { engine: wish.engine, ...made, paused_at: made.paused_at.toISOString(), was_paused: is_old }
  const left = (holders ?? []).filter(({ has_heard }) => !has_heard)
  if (left.length > 0) process.exitCode = 1
  if (options.json) return printJson(holders === null ? paused : { ...paused, coordinators: holders })
  if (is_old) print(`${named(wish)} was paused before: ${whoPaused(paused)}`)
  else print(`${named(wish)} is paused: nothing of it starts or wakes; what has started goes on.`)
  for (const line of holders === null ? ['Coordinators take it up within 2 s.'] : holding(holders)) print(line)
  print(`\`millrace resume ${workflow}${wish.key === null ? '' : ` --key ${shellWord(wish.key)}`}\` ends that.`)
}

export async function resume(workflow: string, options: PauseOptions): Promise<void> {
  const wish = wishOf(workflow, options)
  const others = await query(async (db) => {
    await checkName(db, workflow)
    const ended = await ledger.resume(db, wish, byOf(options))
    const open = (await openPauses(db)).filter((each) => each.engine === wish.engine && each.workflow === workflow)
    if (!ended) throw notPaused(wish, open)
    return open.filter(({ key }) => key === null || wish.key === null)
  })
  if (options.json) return printJson({ ...wish, still_paused: others })
  print(`${named(wish)} goes on within 2 s`)
  for (const each of others) print(`${named(each)} stays paused: ${whoPaused(each)}`)
}

function wishOf(workflow: string, { engine, key }: PauseOptions): ledger.PauseWish {
  return { engine: engine ?? loadConfig().engine, workflow, key: key ?? null }
}

function byOf({ by, why }: PauseOptions): { by: string; why: string | null } {
  return { by: whoAsks(by), why: why ?? null }
}

async function checkName(db: Connections, workflow: string): Promise<void> {
  const names = await workflowNames(db)
  if (names.includes(workflow)) return
  const known = names.length === 0 ? 'none has run yet' : `there are ${names.join(', ')}`
  const message = `the ledger knows no workflow ${workflow}; ${didYouMean(workflow, names, known)}`
  throw new EngineError('workflow_unknown', message)
}

function notPaused(wish: ledger.PauseWish, open: readonly PauseRead[]): EngineError {
  const keys = open.flatMap(({ key }) => key ?? [])
  const isWhole = open.some(({ key }) => key === null)
  const instead = isWhole
    ? `; all of ${wish.workflow} is: resume it without --key`
    : keys.length === 0
      ? ''
      : `; paused is --key ${keys.map(shellWord).join(', ')}`
  return new EngineError('not_paused', `${named(wish)} is not paused${instead}`)
}

function named({ workflow, key }: { readonly workflow: string; readonly key: string | null }): string {
  return key === null ? workflow : `key ${oneLine(key)} of ${workflow}`
}
