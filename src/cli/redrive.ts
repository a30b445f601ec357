/** `millrace redrive` and `millrace discard`: what becomes of dead letters, by an SQL predicate over them. */
import { EngineError } from '../base/error.ts'
import { loadConfig } from '../config.ts'
import type { NewCommand } from '../ledger/command.ts'
import type { Connections } from '../ledger/connect.ts'
import { contentOf, type LetterRead, lettersMax, lettersWhere } from '../ledger/read/letters.ts'
import { databaseUrl } from './addresses.ts'
import { type Answered, type AskOptions, askAndWait, close } from './commands.ts'
import { type Edit, editOf } from './edit.ts'
import { letterFormats } from './letter-formats.ts'
import { print, printJson } from './print.ts'
import { query } from './query.ts'
import { findSealer } from './sealer.ts'
import { type Column, table, terminalWidth } from './table.ts'

export interface SettleOptions extends AskOptions {
  readonly where: string
  readonly dryRun?: boolean
  readonly json?: boolean
}

export async function redrive(options: SettleOptions & { readonly edit?: string }): Promise<void> {
  const { edit: file, ...rest } = options
  await settle('redrive', rest, async (db, letters) => {
    if (file === undefined || letters.length === 0) return letters.map(({ id }) => commandOf('redrive', id))
    const edit = await editOf(file, letters.length, loadConfig()['limits.valueBytesMax'], findSealer())
    return edited(db, letters, edit)
  })
}

export async function discard(options: SettleOptions): Promise<void> {
  await settle('discard', options, async (_, letters) => letters.map(({ id }) => commandOf('discard', id)))
}

type Kind = 'redrive' | 'discard'

/** Of a letter that matched: what was asked and what came of it. */
interface Line extends LetterRead {
  readonly result: 'done' | 'refused' | 'pending' | 'would'
  readonly answer: string | null
}

async function settle(
  kind: Kind,
  options: SettleOptions,
  commandsFor: (db: Connections, letters: readonly LetterRead[]) => Promise<NewCommand[]>,
): Promise<void> {
  const matched = await query(() => lettersWhere(databaseUrl(), options.where))
  if (matched.length > lettersMax) throw tooMany()
  const letters = matched.filter(({ state }) => state === 'open')
  const answered = await query(async (db) => {
    const commands = await commandsFor(db, letters)
    return options.dryRun || commands.length === 0 ? [] : askAndWait(db, commands, options)
  })
  const lines = linesOf(letters, answered)
  if (options.json) printJson(lines)
  else tell(kind, lines, matched.length - letters.length)
  close(answered, options)
}

function tooMany(): EngineError {
  const message = `more than ${lettersMax} dead letters match: narrow --where, for instance by received_at`
  return new EngineError('too_many_letters', message)
}

function commandOf(kind: Kind, target: string, args: object = {}): NewCommand {
  return { kind, target, args: JSON.stringify(args) }
}

/** Some at a time, since values may be large; all before the first is asked for. */
async function edited(db: Connections, letters: readonly LetterRead[], edit: Edit): Promise<NewCommand[]> {
  const commands: NewCommand[] = []
  const formats = await letterFormats(db)
  for (let at = 0; at < letters.length; at += contentAtOnce) {
    const ids = letters.slice(at, at + contentAtOnce).map(({ id }) => id)
    for (const letter of await contentOf(db, ids)) {
      const edited = await edit(letter, formats(letter))
      const args = edited === null ? {} : { value: edited.value.toString('base64'), isSealed: edited.isSealed }
      commands.push(commandOf('redrive', letter.id, args))
    }
  }
  return commands
}

const contentAtOnce = 100

function linesOf(letters: readonly LetterRead[], answered: readonly Answered[]): Line[] {
  const answers = new Map(answered.map((each) => [each.target, each]))
  return letters.map((letter) => {
    const answer = answers.get(letter.id)
    return { ...letter, result: answer?.state ?? 'would', answer: answer?.answer ?? null }
  })
}

const words = {
  redrive: { done: 'redriven', would: 'would be redriven' },
  discard: { done: 'discarded', would: 'would be discarded' },
}

function tell(kind: Kind, lines: readonly Line[], settledBefore: number): void {
  const said = { ...words[kind], refused: 'refused', pending: 'asked' }
  if (lines.length > 0)
    for (const line of table(columnsWith(said, lastTitle(kind, lines)), lines, terminalWidth(process.stdout)))
      print(line)
  if (lines.length === 0) print('no open dead letter matches')
  const counts = (['done', 'would', 'pending', 'refused'] as const)
    .map((result) => ({ result, count: lines.filter((line) => line.result === result).length }))
    .filter(({ count }) => count > 0)
    .map(({ result, count }) => `${count} ${said[result]}`)
  if (counts.length > 0) print(counts.join(', '))
  if (settledBefore > 0) print(`${settledBefore} that match were redriven or discarded before`)
}

function lastTitle(kind: Kind, lines: readonly Line[]): string {
  if (lines.some(({ result }) => result === 'would')) return 'REASON'
  return kind === 'redrive' ? 'TRANSACTION, OR WHY NOT' : 'WHY NOT'
}

function columnsWith(said: Record<Line['result'], string>, last: string): Column<Line>[] {
  return [
    { title: 'ID', text: (row) => row.id },
    { title: 'RECORD', text: (row) => `${row.topic}/${row.kafka_partition}@${row.kafka_offset}` },
    { title: 'WORKFLOW', text: (row) => row.workflow ?? '' },
    { title: 'CODE', text: (row) => row.code },
    { title: 'RESULT', text: (row) => said[row.result] },
    { title: last, text: answerOf },
  ]
}

function answerOf({ result, answer, reason }: Line): string {
  if (result === 'would') return reason
  return result === 'done' && answer === 'discarded' ? '' : (answer ?? '')
}
