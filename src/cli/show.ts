/** `millrace show ID`: the story of one transaction. */
import { EngineError } from '../base/error.ts'
import { parseJson } from '../envelope/json.ts'
import { type Story, storiesOf } from '../ledger/read/story.ts'
import { usage } from './fail.ts'
import { paintFor } from './paint.ts'
import { print, printJson } from './print.ts'
import { query } from './query.ts'
import { storyLines } from './story.ts'
import { terminalWidth } from './table.ts'

/** So many are named when the beginning of an id fits several. */
const namedMax = 5

export async function show(id: string, { json }: { json?: boolean }): Promise<void> {
  if (!/^[0-9a-f-]{4,36}$/i.test(id)) throw usage(`${id} is not the id of a transaction; \`millrace list\` shows them`)
  const stories = await query((db) => storiesOf(db, id.toLowerCase(), namedMax + 1))
  const story = theOne(id, stories)
  if (json) return printJson(documentOf(story))
  for (const line of storyLines(story, paintFor(process.stdout), terminalWidth(process.stdout))) print(line)
}

function theOne(id: string, [first, ...others]: readonly Story[]): Story {
  if (!first) throw new EngineError('unknown_transaction', `there is no transaction whose id begins with ${id}`)
  if (others.length === 0) return first
  const named = [first, ...others].slice(0, namedMax).map((story) => `\n  ${story.id}`)
  const more = others.length >= namedMax ? '\n  …' : ''
  throw new EngineError('ambiguous_id', `several ids begin with ${id}; which one?${named.join('')}${more}`)
}

function documentOf(story: Story): object {
  const attempts = story.attempts.map((each) => ({ ...each, output: each.output && parseJson(each.output) }))
  return { ...story, event: parseJson(story.event), attempts }
}
