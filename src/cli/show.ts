/** `millrace show ID`: the story of one transaction. */
import { parseJson } from '../envelope/json.ts'
import type { Story } from '../ledger/read/story.ts'
import { paintFor } from './paint.ts'
import { print, printJson } from './print.ts'
import { query } from './query.ts'
import { storyLines } from './story.ts'
import { terminalWidth } from './table.ts'
import { checked, theOne } from './the-one.ts'

export async function show(id: string, { json }: { json?: boolean }): Promise<void> {
  checked(id)
  const story = await query((db) => theOne(db, id))
  if (json) return printJson(documentOf(story))
  for (const line of storyLines(story, paintFor(process.stdout), terminalWidth(process.stdout))) print(line)
}

function documentOf(story: Story): object {
  const attempts = story.attempts.map((each) => ({ ...each, output: each.output && parseJson(each.output) }))
  return { ...story, event: parseJson(story.event), attempts }
}
