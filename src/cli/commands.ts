/** Commands to the coordinators, and their answers: asked all at once, waited for as long as answers come. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type AskedCommand, answersTo, ask, type NewCommand } from '../ledger/command.ts'
import type { Connections } from '../ledger/connect.ts'
import { Told } from './fail.ts'
import { counted } from './problems.ts'
import { whoAsks } from './who.ts'

export interface AskOptions {
  readonly why?: string
  readonly by?: string
  /** False: only ask. */
  readonly wait?: boolean
}

export type Answered = Omit<AskedCommand, 'is_old'>

/** No answer at all for so long: nobody is there to give one, in milliseconds. */
const silentMsMax = 30_000
const lookEveryMs = 100

export async function askAndWait(
  db: Connections,
  commands: readonly NewCommand[],
  { why, by, wait = true }: AskOptions,
): Promise<Answered[]> {
  const asked = await ask(db, commands, { askedBy: whoAsks(by), why: why ?? null })
  const argsOf = new Map(commands.map((each) => [each.target, each.args]))
  const answered = asked.map((each) => (each.is_old ? orAnother(each, argsOf.get(each.target)) : each))
  return wait ? await answers(db, answered) : answered
}

/** Somebody asked for something else of it before, which is still to be carried out. */
function orAnother(old: AskedCommand, args: string | undefined): Answered {
  if (old.args === args) return old
  const answer = `another ${old.kind} of it, asked by ${old.asked_by}, is not answered yet`
  return { ...old, state: 'refused', answer }
}

async function answers(db: Connections, asked: readonly Answered[]): Promise<Answered[]> {
  const all = new Map(asked.map((each) => [each.id, each]))
  const pending = () => [...all.values()].filter((each) => each.state === 'pending').map((each) => each.id)
  let heardMs = performance.now()
  for (let open = pending(); open.length > 0 && performance.now() - heardMs < silentMsMax; open = pending()) {
    const came = await answersTo(db, open)
    if (came.length > 0) heardMs = performance.now()
    else await sleep(lookEveryMs)
    for (const each of came) all.set(each.id, { ...(all.get(each.id) as Answered), ...each })
  }
  return [...all.values()]
}

/** Exit code 0 when all are done; what is not is told on standard error. */
export function close(answered: readonly Answered[], { wait = true }: AskOptions): void {
  if (!wait) return
  const pending = answered.filter((each) => each.state === 'pending').length
  if (pending > 0) {
    process.stderr.write(
      `${counted(pending, 'command')} without an answer for ${silentMsMax / 1000} s: does a coordinator run? ` +
        'It is carried out as soon as one does; `select * from millrace.commands` shows how it stands\n',
    )
  }
  if (answered.some((each) => each.state !== 'done')) throw new Told()
}
