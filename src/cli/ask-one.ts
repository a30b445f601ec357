/** One command about one transaction: what is wrong with it is said at once, else it is asked for and its answer told. */
import type { NewCommand } from '../ledger/command.ts'
import type { Story } from '../ledger/read/story.ts'
import { type Answered, type AskOptions, askAndWait, close } from './commands.ts'
import { print, printJson } from './print.ts'
import { query } from './query.ts'
import { checked, theOne } from './the-one.ts'

export interface AskOneOptions extends AskOptions {
  readonly json?: boolean
}

/** What is asked of it, and the sentences that say so: before it is answered, and once it is done. */
export interface Wish {
  /** JSON text. */
  readonly args: string
  readonly asked: string
  readonly done: string
}

/** `wish` throws when it can be told from the story that it would be refused; whoever carries it out looks again. */
export async function askOne(
  kind: NewCommand['kind'],
  id: string,
  options: AskOneOptions,
  wish: (story: Story) => Wish,
): Promise<void> {
  checked(id)
  const { said, answered } = await query(async (db) => {
    const story = await theOne(db, id)
    const said = wish(story)
    return { said, answered: await askAndWait(db, [{ kind, target: story.id, args: said.args }], options) }
  })
  const [answer] = answered as [Answered]
  if (options.json) printJson(answer)
  else print(sentence(answer, said))
  close(answered, options)
}

function sentence({ state, answer }: Answered, { asked, done }: Wish): string {
  if (state === 'refused') return `refused: ${answer}`
  return state === 'pending' ? `asked: ${asked}` : done
}
