/** `millrace show ID`: the story of one transaction. */
import { type Json, parseJson } from '../envelope/json.ts'
import { withoutSealed } from '../envelope/sealed-fields.ts'
import type { Story } from '../ledger/read/story.ts'
import { paintFor } from './paint.ts'
import { print, printJson } from './print.ts'
import { query } from './query.ts'
import { traceIdOfStory } from './story/head.ts'
import { storyLines } from './story/lines.ts'
import { terminalWidth } from './table.ts'
import { checked, theOne } from './the-one.ts'

export async function show(id: string, { json }: { json?: boolean }): Promise<void> {
  checked(id)
  const story = await query((db) => theOne(db, id))
  if (json) return printJson(documentOf(story))
  for (const line of storyLines(story, paintFor(process.stdout), terminalWidth(process.stdout))) print(line)
}

/** The workflow's source is in `millrace.versions`. */
function documentOf(whole: Story): object {
  const { source: _, ...story } = whole
  const attempts = story.attempts.map((each) => ({ ...each, output: jsonOf(each.output) }))
  const rounds = story.rounds.map((each) => ({ ...each, input: jsonOf(each.input) }))
  return {
    ...story,
    trace_id: traceIdOfStory(whole),
    event: withoutSealed(parseJson(story.event)),
    attempts,
    rounds,
  }
}

function jsonOf(text: string | null): Json {
  return text === null ? null : parseJson(text)
}
